#pragma once
#include <cstdint>

#include "kernels/protocol/packet.hpp"

namespace symmbench {

// Storage types and their conversions. Rounding is to nearest, ties to even, by integer steps and single fp32
// operations that are exact or round as wanted, so that host and CUDA agree bit for bit; a NaN becomes 0x7FFF, as the
// CUDA conversion instructions give it. CUDA kernels may use those instructions instead (Ops::Numbers).

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
// Without branches, so that loops over lanes vectorise.
SYMMBENCH_HD float to_float(Fp16 number) {
  const std::uint32_t sign = (number.bits & 0x8000u) << 16;
  const std::uint32_t magnitude = number.bits & 0x7FFFu;
  const std::uint32_t special = 0x7F800000u | magnitude << 13;  // infinity, NaN
  const std::uint32_t normal = (magnitude << 13) + (112u << 23);
  // Subnormal: a multiple of 2^-24, exact and normal in fp32, so no flush-to-zero mode can touch it.
  const std::uint32_t subnormal = bits_of(static_cast<float>(static_cast<std::int32_t>(magnitude)) * 0x1p-24f);
  return float_of(sign | (magnitude >= 0x7C00u ? special : magnitude >= 0x0400u ? normal : subnormal));
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
    const std::uint32_t rebased = magnitude - (112u << 23);
    const std::uint32_t normal = (rebased + 0xFFFu + (rebased >> 13 & 1u)) >> 13;
    // Below 2^-14: in [0.5, 1) fp32 steps are 2^-24, fp16's own, so the addition rounds as wanted.
    const std::uint32_t subnormal = bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f);
    const std::uint32_t finite = magnitude < 0x38800000u ? subnormal : normal;
    const std::uint32_t special = magnitude > 0x7F800000u ? 0x7FFFu : sign | 0x7C00u;
    return {static_cast<std::uint16_t>(magnitude >= 0x47800000u ? special : sign | finite)};
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
