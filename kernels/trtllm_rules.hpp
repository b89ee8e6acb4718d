#pragma once
#include <optional>
#include <string>

#include "kernels/call_shape.hpp"

namespace symmbench {

/// Why no kernel over a trtllm workspace runs `shape`, with the numbers, or nullopt: what FlashInfer's kernels of releases
/// before 0.7.0 were for. Part of call_problem(), which has looked at ranks, types and packets before.
std::optional<std::string> trtllm_problem(const CallShape& shape);

}  // namespace symmbench
