#pragma once
#include <optional>
#include <string>
#include <vector>

#include "kernels/protocol/trtllm_layout.hpp"
#include "workspace/message_capacity.hpp"
#include "workspace/segment_set.hpp"

namespace symmbench {

/// @pre no problem with the capacity
TrtllmLayout trtllm_layout(const MessageCapacity& capacity);

/// Seven: two comm buffers, flags of the first and of the second barrier, three Lamport buffers.
/// @pre no problem with the capacity
std::vector<SegmentRequest> trtllm_segments(const MessageCapacity& capacity);

/// As WorkspaceRow::capacity_problem.
std::optional<std::string> trtllm_capacity_problem(const MessageCapacity& capacity, const CallShape& shape);

}  // namespace symmbench
