#pragma once
#include <cstdint>

#include "kernels/protocol/number.hpp"

namespace symmbench {

// FP8 E4M3 as quantised outputs hold it (OCP 8-bit floating point specification 1.0, "E4M3"): sign, 4 bits of exponent
// with bias 7, 3 of mantissa; no infinity, 0x7F and 0xFF are NaN, 448 is the largest.

inline constexpr float kE4m3Largest = 448.0f;

/// To nearest, ties to even; what is larger than 448 becomes 448, a NaN 0x7F: as cvt.rn.satfinite.e4m3x2.f32 has it.
SYMMBENCH_HD std::uint32_t to_e4m3(float value) {
  const std::uint32_t sign = bits_of(value) >> 24 & 0x80u;
  const std::uint32_t magnitude = bits_of(value) & 0x7FFFFFFFu;
  const std::uint32_t rebased = magnitude - (120u << 23);
  const std::uint32_t normal = (rebased + 0x7FFFFu + (rebased >> 20 & 1u)) >> 20;
  // Below 2^-6 steps are 2^-9, which is fp32's own step at 2^14, so the addition rounds as wanted.
  const std::uint32_t subnormal = bits_of(float_of(magnitude) + 0x1p14f) - bits_of(0x1p14f);
  const std::uint32_t nearest = magnitude < 0x3C800000u ? subnormal : normal;
  const bool too_large = magnitude >= 0x43E80000u;  // 464, halfway to what would come after 448
  return magnitude > 0x7F800000u ? 0x7Fu : sign | (too_large ? 0x7Eu : nearest);
}

SYMMBENCH_HD float from_e4m3(std::uint32_t code) {
  const std::uint32_t sign = (code & 0x80u) << 24;
  const std::uint32_t magnitude = code & 0x7Fu;
  const std::uint32_t normal = (magnitude << 20) + (120u << 23);
  const std::uint32_t subnormal = bits_of(static_cast<float>(static_cast<std::int32_t>(magnitude)) * 0x1p-9f);
  const std::uint32_t special = 0x7FC00000u;
  return float_of(sign | (magnitude == 0x7Fu ? special : magnitude >= 8u ? normal : subnormal));
}

/// The codes of the elements of one packet of T, the first in the lowest byte.
template <class T>
struct E4m3Codes {
  std::uint32_t word[kLanes<T> / 4];
  SYMMBENCH_HD std::uint32_t code(int lane) const { return word[lane / 4] >> (lane % 4 * 8) & 0xFFu; }
};

/// By the functions above; CUDA kernels may use the conversion instructions instead (Ops::Numbers).
template <class T>
SYMMBENCH_HD E4m3Codes<T> portable_e4m3(const float (&lanes)[kLanes<T>]) {
  E4m3Codes<T> codes{};
  SYMMBENCH_UNROLL
  for (int i = 0; i < kLanes<T>; ++i) codes.word[i / 4] |= to_e4m3(lanes[i]) << (i % 4 * 8);
  return codes;
}

}  // namespace symmbench
