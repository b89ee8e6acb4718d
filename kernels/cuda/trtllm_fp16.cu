#include "kernels/cuda/trtllm.cuh"

namespace symmbench::cuda {

template <>
std::span<const LaunchRow> rows_of_unit<LaunchUnit::trtllm_plain, Fp16>() {
  return kTrtllmFlagRows<Fp16, KernelForm::fixed, KernelForm::configurable>;
}
template <>
std::span<const LaunchRow> rows_of_unit<LaunchUnit::trtllm_fused, Fp16>() {
  return kTrtllmLamportRows<Fp16, KernelForm::fixed, KernelForm::configurable>;
}

}  // namespace symmbench::cuda
