#include "kernels/cuda/collectives.cuh"

namespace symmbench::cuda {

template <>
std::span<const LaunchRow> rows_of_unit<LaunchUnit::fused, DType::fp32>() {
  return kRowsRows<float, PatternCode<Pattern::residual_rmsnorm>>;
}

}  // namespace symmbench::cuda
