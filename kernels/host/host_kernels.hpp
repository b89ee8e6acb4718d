#pragma once
#include <memory>

#include "kernels/kernel_set.hpp"

namespace symmbench {

/// The kernels of the emulated device. Streams given to them must be HostStreams. Thread-safe: it has no state.
std::unique_ptr<KernelSet> make_host_kernels();

}  // namespace symmbench
