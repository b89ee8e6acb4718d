#pragma once
#include <optional>
#include <string>

#include "kernels/kernel_set.hpp"

namespace symmbench {

/// Why no KernelSet runs `shape`, whatever the device and the workspace's size, or nullopt: the rules of the protocols
/// and of the patterns.
std::optional<std::string> call_problem(const CallShape& shape);

/// Why no KernelSet may launch `call`, which call_problem() has nothing against: an address that its pattern needs and that
/// is missing or not aligned, or a workspace of other ranks. A kernel would end the worker. nullopt: nothing.
std::optional<std::string> address_problem(const AllreduceCall& call);

}  // namespace symmbench
