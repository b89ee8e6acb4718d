#pragma once
#include <cstdint>

#include "kernels/protocol/number.hpp"

namespace symmbench {

// FP4 E2M1, the elements of NVFP4 (OCP Microscaling Formats 1.0, "E2M1"): sign, 2 bits of exponent with bias 1, 1 of
// mantissa: 0, 0.5, 1, 1.5, 2, 3, 4, 6; neither infinity nor NaN.

/// To nearest, ties to even codes; what is larger than 6 becomes 6, a NaN +6: as cvt.rn.satfinite.e2m1x2.f32 has it.
SYMMBENCH_HD std::uint32_t to_e2m1(float value) {
  const float below = value < 6.0f ? value : 6.0f;  // a NaN is not
  const std::uint32_t bits = bits_of(below > -6.0f ? below : -6.0f);
  const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
  const std::uint32_t rebased = magnitude - (126u << 23);
  const std::uint32_t normal = (rebased + 0x1FFFFFu + (rebased >> 22 & 1u)) >> 22;
  // Below 1 steps are 0.5, which is fp32's own step at 2^22, so the addition rounds as wanted.
  const std::uint32_t subnormal = bits_of(float_of(magnitude) + 0x1p22f) - bits_of(0x1p22f);
  return (bits >> 28 & 0x8u) | (magnitude < 0x3F800000u ? subnormal : normal);
}

SYMMBENCH_HD float from_e2m1(std::uint32_t code) {
  const std::uint32_t sign = (code & 0x8u) << 28;
  const std::uint32_t magnitude = code & 0x7u;
  const std::uint32_t normal = (magnitude << 22) + (126u << 23);
  const std::uint32_t subnormal = magnitude == 0 ? 0u : bits_of(0.5f);
  return float_of(sign | (magnitude >= 2 ? normal : subnormal));
}

/// The codes of the elements of one packet of T, four bits each, the first in the lowest.
template <class T>
SYMMBENCH_HD std::uint32_t portable_e2m1(const float (&lanes)[kLanes<T>]) {
  std::uint32_t codes = 0;
  SYMMBENCH_UNROLL
  for (int i = 0; i < kLanes<T>; ++i) codes |= to_e2m1(lanes[i]) << (4 * i);
  return codes;
}

}  // namespace symmbench
