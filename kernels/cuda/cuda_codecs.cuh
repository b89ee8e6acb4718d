#pragma once
#include "kernels/protocol/codecs.hpp"

namespace symmbench::cuda {

/// FP4 and UE8M0 have conversion instructions where the code is for SM100 or SM103 by name (architecture 100a, 103a).
#if defined(__CUDA_ARCH_FEAT_SM100_ALL) || defined(__CUDA_ARCH_FEAT_SM103_ALL)
inline constexpr bool kConvertsNarrow = true;
#else
inline constexpr bool kConvertsNarrow = false;
#endif

/// PortableCodecs by the conversion instructions that the GPU has: two elements at a time, the first in the low part.
struct CudaCodecs {
  template <class T>
  __device__ __forceinline__ static E4m3Codes<T> e4m3(const float (&lanes)[kLanes<T>]) {
    E4m3Codes<T> codes;
#pragma unroll
    for (int i = 0; i < kLanes<T> / 4; ++i) {
      asm("{\n\t.reg .b16 low, high;\n\tcvt.rn.satfinite.e4m3x2.f32 low, %2, %1;\n\tcvt.rn.satfinite.e4m3x2.f32 high, "
          "%4, %3;\n\tmov.b32 %0, {low, high};\n\t}"
          : "=r"(codes.word[i])
          : "f"(lanes[4 * i]), "f"(lanes[4 * i + 1]), "f"(lanes[4 * i + 2]), "f"(lanes[4 * i + 3]));
    }
    return codes;
  }
  __device__ __forceinline__ static std::uint32_t e4m3(float value) {
    std::uint32_t code;
    asm("{\n\t.reg .b16 pair;\n\tcvt.rn.satfinite.e4m3x2.f32 pair, %2, %1;\n\tcvt.u32.u16 %0, pair;\n\t}"
        : "=r"(code)
        : "f"(value), "f"(0.0f));
    return code;
  }
  __device__ __forceinline__ static float from_e4m3(std::uint32_t code) {
    float value;
    asm("{\n\t.reg .b16 pair, low, high;\n\t.reg .b32 halves;\n\tcvt.u16.u32 pair, %1;\n\tcvt.rn.f16x2.e4m3x2 halves, "
        "pair;"
        "\n\tmov.b32 {low, high}, halves;\n\tcvt.f32.f16 %0, low;\n\t}"
        : "=f"(value)
        : "r"(code));
    return value;
  }
  template <class T>
  __device__ __forceinline__ static std::uint32_t e2m1(const float (&lanes)[kLanes<T>]) {
    static_assert(kLanes<T> == 8, "a word of codes is a packet of 16-bit elements");
    if constexpr (kConvertsNarrow) {
      std::uint32_t codes;
      asm("{\n\t.reg .b8 a, b, c, d;\n\tcvt.rn.satfinite.e2m1x2.f32 a, %2, %1;\n\tcvt.rn.satfinite.e2m1x2.f32 b, %4, "
          "%3;"
          "\n\tcvt.rn.satfinite.e2m1x2.f32 c, %6, %5;\n\tcvt.rn.satfinite.e2m1x2.f32 d, %8, %7;\n\tmov.b32 %0, {a, b, "
          "c, "
          "d};\n\t}"
          : "=r"(codes)
          : "f"(lanes[0]), "f"(lanes[1]), "f"(lanes[2]), "f"(lanes[3]), "f"(lanes[4]), "f"(lanes[5]), "f"(lanes[6]),
            "f"(lanes[7]));
      return codes;
    } else {
      return portable_e2m1<T>(lanes);
    }
  }
  __device__ __forceinline__ static std::uint32_t ue8m0(float value) {
    if constexpr (kConvertsNarrow) {
      std::uint32_t code;
      asm("{\n\t.reg .b16 pair;\n\tcvt.rp.satfinite.ue8m0x2.f32 pair, %2, %1;\n\tcvt.u32.u16 %0, pair;\n\t}"
          : "=r"(code)
          : "f"(value), "f"(0.0f));
      return code;
    } else {
      return to_ue8m0(value);
    }
  }
};

}  // namespace symmbench::cuda
