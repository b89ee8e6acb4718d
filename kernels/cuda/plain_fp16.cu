#include "kernels/cuda/collectives.cuh"

namespace symmbench::cuda {

template <>
std::span<const LaunchRow> rows_of_unit<LaunchUnit::plain, DType::fp16>() {
  return kPlainRows<Fp16, PatternCode<Pattern::allreduce>>;
}

}  // namespace symmbench::cuda
