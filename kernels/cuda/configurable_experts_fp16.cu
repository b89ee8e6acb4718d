#include "kernels/cuda/collectives.cuh"

namespace symmbench::cuda {

template std::span<const LaunchRow> rows_of_unit<LaunchUnit::configurable_experts, Fp16>();

}  // namespace symmbench::cuda
