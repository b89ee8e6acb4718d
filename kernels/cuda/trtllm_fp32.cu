#include "kernels/cuda/trtllm.cuh"

namespace symmbench::cuda {

template <>
std::span<const LaunchRow> rows_of_unit<LaunchUnit::trtllm_plain, float>() {
  return kTrtllmFlagRows<float, KernelForm::fixed, KernelForm::configurable>;
}

}  // namespace symmbench::cuda
