#pragma once
#include <optional>
#include <string>

#include "catalog/allocators.hpp"
#include "config/run_config.hpp"
#include "kernels/call_shape.hpp"

namespace symmbench {

// What can run where, and why not otherwise: the reasons of planned rows and of `symmbench list` are these texts. `device`:
// anything but host is cuda.

/// Why no call over this workspace travels so on this kind of device, or nullopt.
std::optional<std::string> transport_problem(WorkspaceKind workspace, TransportKind transport, DeviceChoice device);

/// Why this allocator's memory cannot back such a workspace, or nullopt.
std::optional<std::string> allocator_problem(AllocatorKind allocator, TransportKind transport);

/// Why a call of this shape can run nowhere on this kind of device, or nullopt: transport, rank counts, types, packets,
/// kernels, capacity with the figure.
std::optional<std::string> impossible(const CallShape& shape, DeviceChoice device);

}  // namespace symmbench
