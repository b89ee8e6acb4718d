#pragma once
#include <cstdint>

#include "kernels/protocol/number.hpp"

namespace symmbench {

// UE8M0, the scales of MXFP8 and packed FP8 (OCP Microscaling Formats 1.0, "E8M0"): 2^(code - 127); 0xFF is NaN.

/// Of a value that is not negative: the least power of two that is not below it, 2^127 at most; as
/// cvt.rp.satfinite.ue8m0x2.f32 has it.
SYMMBENCH_HD std::uint32_t to_ue8m0(float value) {
  const std::uint32_t bits = bits_of(value);
  const std::uint32_t exponent = bits >> 23;
  const std::uint32_t mantissa = bits & 0x7FFFFFu;
  // A subnormal number is up to 2^-127 (code 0) while its mantissa is up to half.
  const std::uint32_t above = mantissa > (exponent == 0 ? 0x400000u : 0u) ? 1u : 0u;
  const std::uint32_t code = exponent + above;
  return bits > 0x7F800000u ? 0xFFu : code < 0xFEu ? code : 0xFEu;
}

SYMMBENCH_HD float from_ue8m0(std::uint32_t code) {
  const std::uint32_t special = code == 0xFFu ? 0x7FC00000u : 0x00400000u;  // NaN, 2^-127
  return float_of(code == 0xFFu || code == 0 ? special : code << 23);
}

/// 1 / from_ue8m0(code). @pre code is not 0xFF
SYMMBENCH_HD float inverse_ue8m0(std::uint32_t code) { return from_ue8m0(254u - code); }

}  // namespace symmbench
