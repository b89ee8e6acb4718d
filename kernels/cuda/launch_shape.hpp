#pragma once
#include <optional>
#include <string>

#include "kernels/kernel_set.hpp"

namespace symmbench {

inline constexpr std::uint32_t kMaxThreads = 512;  ///< of a block of a collective
inline constexpr std::uint32_t kMaxRowBlocks = 8;  ///< of a fused row: the largest portable cluster

/// The launch of a collective on a GPU: shape.blocks and shape.threads where given, else the best measured.
/// @pre launch_problem() said nothing
LaunchShape cuda_launch_shape(const CallShape& shape);

/// Why no launch runs `shape`, or nullopt. @pre call_problem() said nothing
std::optional<std::string> launch_problem(const CallShape& shape);

}  // namespace symmbench
