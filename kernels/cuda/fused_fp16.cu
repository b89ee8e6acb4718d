#include "kernels/cuda/collectives.cuh"

namespace symmbench::cuda {

template <>
std::span<const LaunchRow> rows_of_unit<LaunchUnit::fused, DType::fp16>() {
  return kRowsRows<Fp16, PatternCode<Pattern::residual_rmsnorm>>;
}

}  // namespace symmbench::cuda
