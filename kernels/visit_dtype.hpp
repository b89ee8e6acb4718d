#pragma once
#include "core/dtype.hpp"
#include "kernels/protocol/number.hpp"

namespace symmbench {

/// f.template operator()<T>() with the storage type of `dtype`: where an element type of the command line becomes one of
/// the kernels.
template <class F>
decltype(auto) visit_dtype(DType dtype, F&& f) {
  switch (dtype) {
    case DType::fp16:
      return f.template operator()<Fp16>();
    case DType::bf16:
      return f.template operator()<Bf16>();
    case DType::fp32:
      break;
  }
  return f.template operator()<float>();
}

/// The reverse.
template <class T>
inline constexpr DType kDTypeOf = DType::fp32;
template <>
inline constexpr DType kDTypeOf<Fp16> = DType::fp16;
template <>
inline constexpr DType kDTypeOf<Bf16> = DType::bf16;

}  // namespace symmbench
