#include "kernels/protocol/number.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>

using namespace symmbench;

namespace {

bool is_nan_bf16(std::uint32_t bits) { return (bits & 0x7FFF) > 0x7F80; }
bool is_nan_fp16(std::uint32_t bits) { return (bits & 0x7FFF) > 0x7C00; }

/// The value of an fp16 by the definition of the format, in double.
double fp16_by_definition(std::uint32_t bits) {
  const double sign = bits & 0x8000 ? -1 : 1;
  const int exponent = static_cast<int>(bits >> 10 & 31);
  const double mantissa = bits & 0x3FF;
  if (exponent == 31) return mantissa != 0 ? std::nan("") : sign * std::numeric_limits<double>::infinity();
  return sign * (exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25));
}

/// Nearest, ties to even, by search among both neighbours. `up` is the next representable magnitude after `down`.
template <class T>
void check_between(std::uint16_t down_bits) {
  const auto up_bits = static_cast<std::uint16_t>(down_bits + 1);
  const double down = to_float(T{down_bits});
  // Beyond the largest finite number the grid goes on as if the exponent did.
  const double up = std::isinf(to_float(T{up_bits})) ? 2 * down - to_float(T{static_cast<std::uint16_t>(down_bits - 1)})
                                                     : static_cast<double>(to_float(T{up_bits}));
  const double middle = (down + up) / 2;
  const auto even = static_cast<std::uint16_t>(down_bits % 2 == 0 ? down_bits : up_bits);
  const auto middle_float = static_cast<float>(middle);
  if (static_cast<double>(middle_float) != middle) return;  // below fp32's own steps
  const float below = std::nextafter(middle_float, 0.0f);
  const float above = std::nextafter(middle_float, std::numeric_limits<float>::infinity());
  REQUIRE(round_to<T>(middle_float).bits == even);
  REQUIRE(round_to<T>(below).bits == down_bits);
  REQUIRE(round_to<T>(above).bits == up_bits);
  REQUIRE(round_to<T>(-middle_float).bits == (even | 0x8000));
}

}  // namespace

TEST_CASE("All 65536 bf16 and fp16 values survive the way to fp32 and back") {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    REQUIRE(round_to<Bf16>(to_float(Bf16{half})).bits == (is_nan_bf16(bits) ? 0x7FFF : bits));
    REQUIRE(round_to<Fp16>(to_float(Fp16{half})).bits == (is_nan_fp16(bits) ? 0x7FFF : bits));
  }
}

TEST_CASE("All 65536 fp16 values are what the format defines") {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const double expected = fp16_by_definition(bits);
    const float got = to_float(Fp16{static_cast<std::uint16_t>(bits)});
    if (std::isnan(expected)) {
      REQUIRE(std::isnan(got));
    } else {
      REQUIRE(got == expected);
      REQUIRE(std::signbit(got) == ((bits & 0x8000) != 0));
    }
  }
}

TEST_CASE("Between every two neighbours, rounding goes to the nearer and ties go to even") {
  for (std::uint32_t bits = 0; bits < 0x7C00; ++bits) check_between<Fp16>(static_cast<std::uint16_t>(bits));
  for (std::uint32_t bits = 0; bits < 0x7F80; ++bits) check_between<Bf16>(static_cast<std::uint16_t>(bits));
}

TEST_CASE("Rounding meets the edges of the formats") {
  CHECK(round_to<Fp16>(65504.0f).bits == 0x7BFF);
  CHECK(round_to<Fp16>(65519.996f).bits == 0x7BFF);
  CHECK(round_to<Fp16>(65520.0f).bits == 0x7C00);
  CHECK(round_to<Fp16>(-1e30f).bits == 0xFC00);
  CHECK(round_to<Fp16>(0x1p-25f).bits == 0x0000);
  CHECK(round_to<Fp16>(0x1.000002p-25f).bits == 0x0001);
  CHECK(round_to<Fp16>(0x1.8p-24f).bits == 0x0002);
  CHECK(round_to<Fp16>(-0.0f).bits == 0x8000);
  CHECK(round_to<Bf16>(std::numeric_limits<float>::max()).bits == 0x7F80);
  CHECK(round_to<Bf16>(std::numeric_limits<float>::denorm_min()).bits == 0x0000);
  CHECK(round_to<Bf16>(-std::numeric_limits<float>::infinity()).bits == 0xFF80);
  CHECK(round_to<Bf16>(float_of(0x7F800001)).bits == 0x7FFF);
  CHECK(round_to<Bf16>(float_of(0xFFFFFFFF)).bits == 0x7FFF);
  CHECK(round_to<Fp16>(float_of(0x7F800001)).bits == 0x7FFF);
}

TEST_CASE("Packets unpack in address order and pack to the same bits") {
  const Packet packet{{0x3F80C000, 0x80000000, 0x00017F7F, 0x12345678}};
  float lanes[8];
  PortableNumbers::unpack<Bf16>(packet, lanes);
  CHECK(lanes[0] == -2.0f);
  CHECK(lanes[1] == 1.0f);
  const Packet again = PortableNumbers::pack<Bf16>(lanes);
  for (int i = 0; i < 4; ++i) CHECK(again.word[i] == packet.word[i]);
}

TEST_CASE("The sanitiser replaces the sentinel word and nothing else") {
  const Packet packet = sanitised({{0x80000000, 0x80008000, 0x80000001, 0x00008000}});
  CHECK(packet.word[0] == 0);
  CHECK(packet.word[1] == 0x80008000);
  CHECK(packet.word[2] == 0x80000001);
  CHECK(packet.word[3] == 0x00008000);
  CHECK_FALSE(has_sentinel(packet));
  for (int i = 0; i < 4; ++i) {
    Packet one{};
    one.word[i] = kSentinel;
    CHECK(has_sentinel(one));
  }
}
