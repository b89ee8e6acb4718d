#pragma once
#include <optional>
#include <string>

#include "kernels/call_shape.hpp"

namespace symmbench {

/// Why no KernelSet runs `shape`, whatever the device and the workspace's size, or nullopt: the rules of the protocols
/// and of the patterns.
std::optional<std::string> call_problem(const CallShape& shape);

}  // namespace symmbench
