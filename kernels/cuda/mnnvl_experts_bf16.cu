#include "kernels/cuda/collectives.cuh"

namespace symmbench::cuda {

template std::span<const LaunchRow> rows_of_unit<LaunchUnit::mnnvl_experts, Bf16>();

}  // namespace symmbench::cuda
