#pragma once
#include <memory>

#include "kernels/kernel_set.hpp"
#include "kernels/link_probe.hpp"

namespace symmbench {

/// The kernels of one GPU (SM90 and later). Streams given to them must be CudaStreams of device `ordinal`. Calls may be
/// made inside Stream::capture. Makes no CUDA call before the first launch; one thread per stream.
std::unique_ptr<KernelSet> make_cuda_kernels(int ordinal);

/// The probe of the same GPU, under the same rules.
std::unique_ptr<LinkProbe> make_cuda_link_probe(int ordinal);

}  // namespace symmbench
