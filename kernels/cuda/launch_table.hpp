#pragma once
#include <span>
#include <string_view>

#include "kernels/kernel_set.hpp"
#include "kernels/launch_rows.hpp"

namespace symmbench::cuda {

// The seam between cuda_kernels.cpp, which g++ compiles, and the kernels of the .cu files.

/// Launches a collective on `stream`, a cudaStream_t whose device is current. The result is a cudaError_t value.
using Launch = int (*)(const LaunchShape& shape, void* stream, const AllreduceCall& call);
struct LaunchRow {
  LaunchKey key;
  Launch launch;
  std::string_view why;  ///< there is such a kernel beside the others: a row of the table in kernels/README.md
};

/// The kinds of instantiation units: <kind>_<dtype>.cu instantiates the rows of one kind and element type.
enum class LaunchUnit {
  plain,
  fused,
  fused_fp8,
  fused_dynamic_fp8,
  fused_group_fp8,
  fused_mxfp8,
  fused_nvfp4,  ///< fp16 and bf16
  fused_experts,
  barrier,
  mnnvl_plain,
  mnnvl_fused,
  mnnvl_scales,
  mnnvl_experts,
  trtllm_plain,
  trtllm_fused,  ///< fp16 and bf16
  configurable,
  configurable_scales,   ///< fp16 and bf16
  configurable_experts,  ///< fp16 and bf16
};
template <LaunchUnit, class T>
std::span<const LaunchRow> rows_of_unit();

/// All of them: what a GPU can run, and with which kernel.
std::span<const LaunchRow> launch_table();

}  // namespace symmbench::cuda
