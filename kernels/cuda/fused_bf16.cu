#include "kernels/cuda/collectives.cuh"

namespace symmbench::cuda {

template <>
std::span<const LaunchRow> rows_of_unit<LaunchUnit::fused, DType::bf16>() {
  return kRowsRows<Bf16, PatternCode<Pattern::residual_rmsnorm>>;
}

}  // namespace symmbench::cuda
