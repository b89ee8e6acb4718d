#pragma once
#include <memory>

#include "kernels/kernel_set.hpp"

namespace symmbench {

/// The kernels of the emulated device. Streams given to them must be HostStreams. Thread-safe: it has no state.
std::unique_ptr<KernelSet> make_host_kernels();

/// Why no KernelSet runs `shape`, whatever the device, or nullopt: the rules of the protocols themselves.
std::optional<std::string> protocol_problem(const CallShape& shape);

}  // namespace symmbench
