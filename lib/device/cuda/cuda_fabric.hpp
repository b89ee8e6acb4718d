#pragma once
#include "device/cuda/cuda_context.hpp"
#include "device/driver.hpp"

namespace symmbench {

/// What libcuda alone says of the cliques that a device is in; drivers from CUDA 13.4 on have it. Never throws.
CliqueList driver_cliques(const CudaApi& api, CUdevice device);

/// Creates, exports and imports one granule of fabric memory on the first device that this process sees, through whichever
/// context is current, and gives it back. Never throws.
FirstDeviceTest test_first_device(const CudaApi& api);

}  // namespace symmbench
