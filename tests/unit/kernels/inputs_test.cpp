#include "kernels/protocol/inputs.hpp"

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <set>

using namespace symmbench;

TEMPLATE_TEST_CASE("Exact inputs leave every partial sum exact, for every number of ranks", "", Bf16, Fp16, float) {
  for (int world_size = 1; world_size <= kMaxRanks; ++world_size) {
    const int limit = exact_limit<TestType>(world_size);
    REQUIRE(limit >= 3);
    REQUIRE(static_cast<std::int64_t>(limit) * world_size <= 1 << kPrecision<TestType>);
    const InputStream stream = input_stream(1, InputKind::exact, 0, 0);
    std::set<std::int32_t> seen;
    for (std::uint64_t packet = 0; packet < 500; ++packet) {
      const ExactFields fields = exact_fields<TestType>(stream, limit, packet);
      for (int i = 0; i < kLanes<TestType>; ++i) {
        const std::int32_t number = exact_number<TestType>(fields, i, limit, 1);
        REQUIRE(std::abs(number) <= limit);
        seen.insert(number);
        const float value = input_value<TestType>(stream, world_size, packet * kLanes<TestType> + i);
        REQUIRE(value == static_cast<float>(number));
      }
    }
    if (world_size == kMaxRanks && sizeof(TestType) == 2) REQUIRE(seen.size() == 2u * limit + 1);
  }
}

TEMPLATE_TEST_CASE("Random inputs are within (-1, 1), use the whole mantissa and meet the sentinel", "", Bf16, Fp16,
                   float) {
  const InputStream stream = input_stream(5, InputKind::random, 3, 17);
  constexpr int kPackets = 20000;
  int sentinels = 0;
  std::uint32_t ones = 0, zeros = 0;
  for (std::uint64_t p = 0; p < kPackets; ++p) {
    const Packet packet = input_packet<TestType>(stream, 4, p);
    for (const std::uint32_t word : packet.word) {
      if (word == kSentinel) {
        ++sentinels;
        continue;
      }
      ones |= word;
      zeros |= ~word;
    }
    float lanes[kLanes<TestType>];
    PortableNumbers::unpack<TestType>(packet, lanes);
    for (const float lane : lanes) REQUIRE(std::abs(lane) < 1.0f);
  }
  const std::uint32_t mantissa = sizeof(TestType) == 4       ? 0x807FFFFF
                                 : kPrecision<TestType> == 8 ? 0x807F807F
                                                             : 0x83FF83FF;
  CHECK((ones & mantissa) == mantissa);
  CHECK((zeros & mantissa) == mantissa);
  CHECK(sentinels > 4 * kPackets / 64 / 2);
  CHECK(sentinels < 4 * kPackets / 64 * 2);
}

TEST_CASE("No two ranks, iterations or seeds have the same inputs") {
  std::set<std::uint64_t> keys;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    for (int rank = -2; rank < kMaxRanks; ++rank) {
      for (std::uint64_t iteration = 0; iteration < 64; ++iteration) {
        keys.insert(input_stream(seed, InputKind::exact, rank, iteration).key);
      }
    }
  }
  CHECK(keys.size() == 4 * (kMaxRanks + 2) * 64);
}

TEMPLATE_TEST_CASE("Exact inputs of all ranks add up field by field", "", Bf16, Fp16, float) {
  const int limit = exact_limit<TestType>(kMaxRanks);
  for (std::uint64_t packet = 0; packet < 100; ++packet) {
    ExactFields sum{};
    std::int32_t expected[kLanes<TestType>] = {};
    for (int rank = 0; rank < kMaxRanks; ++rank) {
      const ExactFields fields = exact_fields<TestType>(input_stream(9, InputKind::exact, rank, 3), limit, packet);
      sum = {sum.even + fields.even, sum.odd + fields.odd};
      for (int i = 0; i < kLanes<TestType>; ++i) expected[i] += exact_number<TestType>(fields, i, limit, 1);
    }
    for (int i = 0; i < kLanes<TestType>; ++i) REQUIRE(exact_number<TestType>(sum, i, limit, kMaxRanks) == expected[i]);
  }
}
