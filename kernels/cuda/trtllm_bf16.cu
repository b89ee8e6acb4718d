#include "kernels/cuda/trtllm.cuh"

namespace symmbench::cuda {

template <>
std::span<const LaunchRow> rows_of_unit<LaunchUnit::trtllm_plain, Bf16>() {
  return kTrtllmFlagRows<Bf16, KernelForm::fixed, KernelForm::configurable>;
}
template <>
std::span<const LaunchRow> rows_of_unit<LaunchUnit::trtllm_fused, Bf16>() {
  return kTrtllmLamportRows<Bf16, KernelForm::fixed, KernelForm::configurable>;
}

}  // namespace symmbench::cuda
