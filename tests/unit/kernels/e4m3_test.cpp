#include "kernels/protocol/e4m3.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>

using namespace symmbench;

namespace {

/// The value of a code by the definition of the format, in double.
double by_definition(std::uint32_t code) {
  const double sign = code & 0x80 ? -1 : 1;
  const int exponent = static_cast<int>(code >> 3 & 15);
  const double mantissa = code & 7;
  if ((code & 0x7F) == 0x7F) return std::nan("");
  return sign * (exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10));
}

}  // namespace

TEST_CASE("All 256 E4M3 codes are what the format defines, and survive the way to fp32 and back") {
  for (std::uint32_t code = 0; code < 256; ++code) {
    const double expected = by_definition(code);
    const float got = from_e4m3(code);
    if (std::isnan(expected)) {
      CHECK(std::isnan(got));
      continue;
    }
    CHECK(got == expected);
    CHECK(std::signbit(got) == ((code & 0x80) != 0));
    CHECK(to_e4m3(got) == code);
  }
}

TEST_CASE("Between every two E4M3 codes, rounding goes to the nearer and ties go to even") {
  for (std::uint32_t code = 0; code < 0x7E; ++code) {
    const auto middle = static_cast<float>((by_definition(code) + by_definition(code + 1)) / 2);
    const std::uint32_t even = code % 2 == 0 ? code : code + 1;
    CHECK(to_e4m3(middle) == even);
    CHECK(to_e4m3(-middle) == (even | 0x80));
    CHECK(to_e4m3(std::nextafter(middle, 0.0f)) == code);
    CHECK(to_e4m3(std::nextafter(middle, 1000.0f)) == code + 1);
  }
}

TEST_CASE("E4M3 saturates: there is no infinity") {
  for (const float large : {448.0f, 464.0f, 465.0f, 1000.0f, 1e30f, std::numeric_limits<float>::infinity()}) {
    CHECK(to_e4m3(large) == 0x7E);
    CHECK(to_e4m3(-large) == 0xFE);
  }
  CHECK(to_e4m3(std::nanf("")) == 0x7F);
  CHECK(to_e4m3(-std::nanf("")) == 0x7F);
  CHECK(to_e4m3(-0.0f) == 0x80);
  CHECK(to_e4m3(std::numeric_limits<float>::denorm_min()) == 0);
}

TEST_CASE("The codes of a packet lie in the order of its elements") {
  const float lanes[8] = {0.0f, 1.0f, -1.0f, 448.0f, 2.0f, 0.5f, -0.0f, 1000.0f};
  const E4m3Codes<Bf16> codes = portable_e4m3<Bf16>(lanes);
  CHECK(codes.word[0] == 0x7EB83800);
  CHECK(codes.word[1] == 0x7E803040);
  for (int i = 0; i < 8; ++i) CHECK(codes.code(i) == to_e4m3(lanes[i]));
}
