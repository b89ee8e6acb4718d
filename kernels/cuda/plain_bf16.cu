#include "kernels/cuda/collectives.cuh"

namespace symmbench::cuda {

template <>
std::span<const LaunchRow> rows_of_unit<LaunchUnit::plain, DType::bf16>() {
  return kPlainRows<Bf16, PatternCode<Pattern::allreduce>>;
}

}  // namespace symmbench::cuda
