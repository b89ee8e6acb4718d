#pragma once
#include <memory>

#include "kernels/kernel_set.hpp"

namespace symmbench {

/// The kernels of one GPU (SM90 and later). Streams given to them must be CudaStreams of device `ordinal`. Calls may be
/// made inside Stream::capture. Makes no CUDA call before the first launch; one thread per stream.
std::unique_ptr<KernelSet> make_cuda_kernels(int ordinal);

}  // namespace symmbench
