#pragma once
#include "kernels/protocol/e2m1.hpp"
#include "kernels/protocol/e4m3.hpp"
#include "kernels/protocol/ue8m0.hpp"

namespace symmbench {

/// Codes of quantised outputs by integer steps, for every device; CUDA kernels may use conversion instructions instead
/// (Ops::Codecs), which give the same bits.
struct PortableCodecs {
  template <class T>
  SYMMBENCH_HD static E4m3Codes<T> e4m3(const float (&lanes)[kLanes<T>]) {
    return portable_e4m3<T>(lanes);
  }
  template <class T>
  SYMMBENCH_HD static std::uint32_t e2m1(const float (&lanes)[kLanes<T>]) {
    return portable_e2m1<T>(lanes);
  }
  SYMMBENCH_HD static std::uint32_t e4m3(float value) { return to_e4m3(value); }
  SYMMBENCH_HD static float from_e4m3(std::uint32_t code) { return symmbench::from_e4m3(code); }
  SYMMBENCH_HD static std::uint32_t ue8m0(float value) { return to_ue8m0(value); }
};

}  // namespace symmbench
