#pragma once
#include <span>

#include "catalog/protocol_faults.hpp"
#include "kernels/host/launch_table.hpp"

namespace symmbench::host {

/// What a rank whose protocol `fault` breaks can run: plain bf16 allreduces, of any number of ranks.
std::span<const BlockRow> faulty_launch_table(ProtocolFault fault);

}  // namespace symmbench::host
