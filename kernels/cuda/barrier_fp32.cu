#include "kernels/cuda/collectives.cuh"

namespace symmbench::cuda {

template <>
std::span<const LaunchRow> rows_of_unit<LaunchUnit::barrier, DType::fp32>() {
  return kBarrierRowsOf<float, PatternCode<Pattern::allreduce>, PatternCode<Pattern::residual_rmsnorm>>;
}

}  // namespace symmbench::cuda
