#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "kernels/protocol/number.hpp"

namespace symmbench {

/// Packets to fp32 lanes and back by the conversion instructions. Bit-equal to PortableNumbers after pack(): both round
/// to nearest, ties to even, and give 0x7FFF for a NaN; what unpack() makes of a NaN's payload never shows.
struct CudaNumbers {
  template <class T>
  __device__ __forceinline__ static void unpack(const Packet& packet, float (&lanes)[kLanes<T>]) {
    if constexpr (sizeof(T) == 2 && kPrecision<T> == 11) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const float2 pair = __half22float2(__builtin_bit_cast(__half2, packet.word[i]));
        lanes[2 * i] = pair.x;
        lanes[2 * i + 1] = pair.y;
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
        packet.word[i] =
            __builtin_bit_cast(std::uint32_t, __floats2half2_rn(lanes[2 * i], lanes[2 * i + 1]));
      } else {
        packet.word[i] =
            __builtin_bit_cast(std::uint32_t, __floats2bfloat162_rn(lanes[2 * i], lanes[2 * i + 1]));
      }
    }
    return packet;
  }
};

}  // namespace symmbench
