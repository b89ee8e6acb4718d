#pragma once
#include <cstdint>

#include "kernels/protocol/packet.hpp"

namespace symmbench {

// Storage types and their conversions. Rounding is to nearest, ties to even, in integers, so that host and CUDA agree
// bit for bit; a NaN becomes 0x7FFF, as the CUDA conversion instructions give it. CUDA kernels may use those
// instructions instead (Ops::Numbers).

struct Bf16 {
  std::uint16_t bits;
};
struct Fp16 {
  std::uint16_t bits;
};

SYMMBENCH_HD std::uint32_t bits_of(float value) { return __builtin_bit_cast(std::uint32_t, value); }
SYMMBENCH_HD float float_of(std::uint32_t bits) { return __builtin_bit_cast(float, bits); }

SYMMBENCH_HD float to_float(Bf16 number) { return float_of(static_cast<std::uint32_t>(number.bits) << 16); }
SYMMBENCH_HD float to_float(float number) { return number; }
SYMMBENCH_HD float to_float(Fp16 number) {
  const std::uint32_t sign = (number.bits & 0x8000u) << 16;
  const std::uint32_t magnitude = number.bits & 0x7FFFu;
  if (magnitude >= 0x7C00u) return float_of(sign | 0x7F800000u | (magnitude & 0x3FFu) << 13);  // infinity, NaN
  if (magnitude >= 0x0400u) return float_of(sign | ((magnitude << 13) + (112u << 23)));
  // Subnormal: a multiple of 2^-24, exact and normal in fp32, so no flush-to-zero mode can touch it.
  return float_of(sign | bits_of(static_cast<float>(magnitude) * 0x1p-24f));
}

template <class T>
struct From {};
template <>
struct From<float> {
  SYMMBENCH_HD static float rounded(float value) { return value; }
};
template <>
struct From<Bf16> {
  SYMMBENCH_HD static Bf16 rounded(float value) {
    const std::uint32_t bits = bits_of(value);
    const std::uint32_t nearest = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    const bool is_nan = (bits & 0x7FFFFFFFu) > 0x7F800000u;
    return {static_cast<std::uint16_t>(is_nan ? 0x7FFFu : nearest)};
  }
};
template <>
struct From<Fp16> {
  SYMMBENCH_HD static Fp16 rounded(float value) {
    const std::uint32_t sign = bits_of(value) >> 16 & 0x8000u;
    const std::uint32_t magnitude = bits_of(value) & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u) return {0x7FFFu};
    if (magnitude >= 0x47800000u) return {static_cast<std::uint16_t>(sign | 0x7C00u)};  // 65536 and above
    if (magnitude >= 0x38800000u) {                                                     // 2^-14: normal
      const std::uint32_t rebased = magnitude - (112u << 23);
      return {static_cast<std::uint16_t>(sign | (rebased + 0xFFFu + (rebased >> 13 & 1u)) >> 13)};
    }
    if (magnitude <= 0x33000000u) return {static_cast<std::uint16_t>(sign)};  // 2^-25: half of the smallest, to even
    const std::uint32_t shift = 126u - (magnitude >> 23);
    const std::uint32_t mantissa = (magnitude & 0x7FFFFFu) | 0x800000u;
    const std::uint32_t rest = mantissa & ((1u << shift) - 1u);
    const std::uint32_t half = 1u << (shift - 1u);
    const std::uint32_t down = mantissa >> shift;
    return {static_cast<std::uint16_t>(sign | (down + (rest > half || (rest == half && (down & 1u)) ? 1u : 0u)))};
  }
};

/// The T nearest to `value`.
template <class T>
SYMMBENCH_HD T round_to(float value) {
  return From<T>::rounded(value);
}

/// Elements of T in a packet.
template <class T>
inline constexpr int kLanes = static_cast<int>(kPacketBytes / sizeof(T));

/// Significant bits of T: rounding to T errs by at most 2^-kPrecision of the value.
template <class T>
inline constexpr int kPrecision = 24;
template <>
inline constexpr int kPrecision<Bf16> = 8;
template <>
inline constexpr int kPrecision<Fp16> = 11;

/// Packets to fp32 lanes and back, for every device.
struct PortableNumbers {
  template <class T>
  SYMMBENCH_HD static void unpack(const Packet& packet, float (&lanes)[kLanes<T>]) {
    SYMMBENCH_UNROLL
    for (int i = 0; i < 4; ++i) {
      if constexpr (sizeof(T) == 4) {
        lanes[i] = float_of(packet.word[i]);
      } else {
        lanes[2 * i] = to_float(T{static_cast<std::uint16_t>(packet.word[i])});
        lanes[2 * i + 1] = to_float(T{static_cast<std::uint16_t>(packet.word[i] >> 16)});
      }
    }
  }
  template <class T>
  SYMMBENCH_HD static Packet pack(const float (&lanes)[kLanes<T>]) {
    Packet packet{};
    SYMMBENCH_UNROLL
    for (int i = 0; i < 4; ++i) {
      if constexpr (sizeof(T) == 4) {
        packet.word[i] = bits_of(lanes[i]);
      } else {
        const std::uint32_t low = round_to<T>(lanes[2 * i]).bits;
        const std::uint32_t high = round_to<T>(lanes[2 * i + 1]).bits;
        packet.word[i] = low | high << 16;
      }
    }
    return packet;
  }
};

}  // namespace symmbench
