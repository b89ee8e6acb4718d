#pragma once
#include "kernels/protocol/number.hpp"

namespace symmbench::cuda {

/// Packets to fp32 lanes and back by the conversion instructions. Bit-equal to PortableNumbers after pack(): both round
/// to nearest, ties to even, and give 0x7FFF for a NaN; what unpack() makes of a NaN's payload never shows.
struct CudaNumbers {
  template <class T>
  __device__ __forceinline__ static void unpack(const Packet& packet, float (&lanes)[kLanes<T>]) {
    if constexpr (sizeof(T) == 2 && kPrecision<T> == 11) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        asm("{\n\t.reg .f16 low, high;\n\tmov.b32 {low, high}, %2;\n\tcvt.f32.f16 %0, low;\n\tcvt.f32.f16 %1, "
            "high;\n\t}"
            : "=f"(lanes[2 * i]), "=f"(lanes[2 * i + 1])
            : "r"(packet.word[i]));
      }
    } else if constexpr (sizeof(T) == 2) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        lanes[2 * i] = __uint_as_float(packet.word[i] << 16);
        lanes[2 * i + 1] = __uint_as_float(packet.word[i] & 0xFFFF0000u);
      }
    } else {
#pragma unroll
      for (int i = 0; i < 4; ++i) lanes[i] = __uint_as_float(packet.word[i]);
    }
  }

  template <class T>
  __device__ __forceinline__ static Packet pack(const float (&lanes)[kLanes<T>]) {
    Packet packet;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if constexpr (sizeof(T) == 4) {
        packet.word[i] = __float_as_uint(lanes[i]);
      } else if constexpr (kPrecision<T> == 11) {
        asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(packet.word[i]) : "f"(lanes[2 * i + 1]), "f"(lanes[2 * i]));
      } else {
        asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packet.word[i]) : "f"(lanes[2 * i + 1]), "f"(lanes[2 * i]));
      }
    }
    return packet;
  }
};

}  // namespace symmbench::cuda
