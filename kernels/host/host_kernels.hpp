#pragma once
#include <memory>
#include <optional>

#include "catalog/protocol_faults.hpp"
#include "kernels/kernel_set.hpp"

namespace symmbench {

/// The kernels of the emulated device. Streams given to them must be HostStreams. Thread-safe: it has no state. `fault`
/// breaks the protocol of the rank that runs them, and leaves plain bf16 allreduces only.
std::unique_ptr<KernelSet> make_host_kernels(std::optional<ProtocolFault> fault = std::nullopt);

}  // namespace symmbench
