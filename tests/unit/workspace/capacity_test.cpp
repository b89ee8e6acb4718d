#include "workspace/capacity.hpp"

#include <catch2/catch_test_macros.hpp>

#include "memory/allocators.hpp"

namespace symmbench {
namespace {

FusionLayout layout_of(int ranks, std::uint64_t tokens, std::uint64_t hidden, std::uint64_t bytes_per_element = 2) {
  return {ranks, tokens * hidden * bytes_per_element, bytes_per_element};
}

CallShape shape_of(const FusionLayout& layout, Algorithm algorithm, std::uint64_t message_bytes) {
  return {.algorithm = algorithm,
          .dtype = DType::bf16,
          .world_size = layout.world_size,
          .tokens = 1,
          .hidden = message_bytes / 2};
}

TEST_CASE("segments have upstream's sizes at 16 bits") {
  struct Row {
    int ranks;
    std::uint64_t tokens, hidden, comm, flags, slot;
  };
  // As FlashInfer sizes them (at fb28d7242). Its comm has W*M*H*2 bytes; the term that ours adds is never larger at 16 bits.
  const Row rows[] = {{2, 2048, 1024, 8388608, 2048, 8388608},
                      {4, 2048, 7168, 117440512, 4096, 117440512},
                      {8, 2048, 7168, 234881024, 8192, 234881024},
                      {8, 16384, 7168, 1879048192, 8192, 1879048192},
                      {16, 8192, 7168, 1879048192, 16384, 1879048192}};
  for (const auto& row : rows) {
    const auto segments = segment_requests(layout_of(row.ranks, row.tokens, row.hidden));
    CHECK(segments[0].name == "comm");
    CHECK(segments[0].used_bytes == row.comm);
    CHECK(segments[1].used_bytes == row.flags);
    CHECK(segments[2].used_bytes == 3 * row.slot);
    CHECK(segments[2].requested_bytes() == 3 * row.slot + kCanaryBytes);
  }
}

TEST_CASE("two ranks in fp32 get a comm segment that a two-shot does not overflow") {
  const auto layout = layout_of(2, 2048, 1024, 4);  // upstream has 8388608, two messages need 16777216
  CHECK(segment_requests(layout)[0].used_bytes == 16777216);
}

TEST_CASE("workspace bytes are what the allocator takes for the three segments") {
  const auto layout = layout_of(4, 2048, 7168);
  constexpr std::uint64_t kGranule = 2ull << 20;
  const auto symm = make_allocator("symm_device_memory");
  CHECK(workspace_bytes(layout, *symm, kGranule) == (57 + 1 + 169) * kGranule);
}

TEST_CASE("a message that fits is no problem for any algorithm") {
  const auto layout = layout_of(4, 16, 8192);
  for (const auto algorithm : {Algorithm::one_shot, Algorithm::two_shot, Algorithm::two_shot_barrier}) {
    CHECK_FALSE(capacity_problem(layout, shape_of(layout, algorithm, layout.message_bytes)));
  }
}

TEST_CASE("a call beyond the capacity is refused with the figures of its algorithm") {
  const auto layout = layout_of(4, 16, 8192);  // 256 KiB: slot and comm have 1 MiB
  CHECK(capacity_problem(layout, shape_of(layout, Algorithm::one_shot, (256 << 10) + 16)));
  CHECK(capacity_problem(layout, shape_of(layout, Algorithm::one_shot, 512 << 10)) ==
        "one_shot needs 4 x 512 KiB = 2097152 bytes of a Lamport slot, which has 1048576");
  CHECK_FALSE(capacity_problem(layout, shape_of(layout, Algorithm::two_shot, 512 << 10)));
  CHECK(capacity_problem(layout, shape_of(layout, Algorithm::two_shot, 1 << 20)) ==
        "two_shot needs 2 x 1 MiB = 2097152 bytes of a Lamport slot, which has 1048576");
  CHECK(capacity_problem(layout, shape_of(layout, Algorithm::two_shot_barrier, 1 << 20)) ==
        "two_shot_barrier needs 2 x 1 MiB = 2097152 bytes of the comm segment, which has 1048576");
}

TEST_CASE("a one-shot above the largest Lamport slot is refused although the workspace was made for the message") {
  const FusionLayout layout{8, 1ull << 30, 2};
  const auto problem = capacity_problem(layout, shape_of(layout, Algorithm::one_shot, 1ull << 30));
  CHECK(problem == "one_shot needs 8 x 1 GiB = 8589934592 bytes of a Lamport slot, which has 2145386496");
}

TEST_CASE("a two-shot is refused by its padded size") {
  const FusionLayout layout{4, 64, 2};                      // slot: 4 x 64 bytes
  auto shape = shape_of(layout, Algorithm::two_shot, 112);  // 7 packets, padded to 8: 2 x 128 = 256 fits
  CHECK_FALSE(capacity_problem(layout, shape));
  shape.hidden = 136 / 2;  // no whole packets
  CHECK(capacity_problem(layout, shape)->find("multiple of 16") != std::string::npos);
  shape.hidden = 144 / 2;  // 9 packets, padded to 12: 384
  CHECK(capacity_problem(layout, shape));
}

TEST_CASE("calls of another group size, of nothing, or with more blocks than flag rows are refused") {
  const auto layout = layout_of(4, 16, 8192);
  auto shape = shape_of(layout, Algorithm::two_shot_barrier, 4096);
  shape.blocks = 257;
  CHECK(capacity_problem(layout, shape)->find("256 rows") != std::string::npos);
  shape.blocks = 256;
  CHECK_FALSE(capacity_problem(layout, shape));
  shape.world_size = 8;
  CHECK(capacity_problem(layout, shape)->find("8 ranks") != std::string::npos);
  shape.world_size = 4;
  shape.tokens = 0;
  CHECK(capacity_problem(layout, shape));
}

TEST_CASE("layouts that cannot be are refused with what is allowed") {
  CHECK_FALSE(layout_problem({4, 4096, 2}));
  CHECK_FALSE(layout_problem({72, 16, 4}));
  CHECK(layout_problem({0, 4096, 2}));
  CHECK(layout_problem({73, 4096, 2})->find("72") != std::string::npos);
  CHECK(layout_problem({4, 0, 2}));
  CHECK(layout_problem({4, 4097, 2})->find("16") != std::string::npos);
  CHECK(layout_problem({4, 4096, 1}));
}

}  // namespace
}  // namespace symmbench
