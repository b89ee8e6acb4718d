#pragma once
#include <cuda_runtime_api.h>

#include <type_traits>

#include "kernels/kernel_set.hpp"

namespace symmbench::cuda {

/// Launches `kernel` on `stream`, a cudaStream_t whose device is current. Returns a cudaError_t value; that a kernel
/// failed shows at synchronize() only.
template <class... Parameters>
int launch(void (*kernel)(Parameters...), const LaunchShape& shape, void* stream,
           const std::type_identity_t<Parameters>&... arguments) {
  cudaLaunchAttribute attributes[2];
  unsigned count = 0;
  if (shape.pdl) {
    attributes[count].id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attributes[count++].val.programmaticStreamSerializationAllowed = 1;
  }
  if (shape.cluster > 1) {
    attributes[count].id = cudaLaunchAttributeClusterDimension;
    attributes[count++].val.clusterDim = {shape.cluster, 1, 1};
  }
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(shape.blocks);
  config.blockDim = dim3(shape.threads);
  config.stream = static_cast<cudaStream_t>(stream);
  config.attrs = attributes;
  config.numAttrs = count;
  return static_cast<int>(cudaLaunchKernelEx(&config, kernel, arguments...));
}

}  // namespace symmbench::cuda
