#include "kernels/cuda/collectives.cuh"

namespace symmbench::cuda {

template <>
std::span<const LaunchRow> rows_of_unit<LaunchUnit::plain, DType::fp32>() {
  return kPlainRows<float, PatternCode<Pattern::allreduce>>;
}

}  // namespace symmbench::cuda
