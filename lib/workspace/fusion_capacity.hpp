#pragma once
#include <optional>
#include <string>
#include <vector>

#include "kernels/protocol/fusion_layout.hpp"
#include "workspace/message_capacity.hpp"
#include "workspace/segment_set.hpp"

namespace symmbench {

/// Sizes of the trtllm_fusion workspace that holds `capacity`: by its largest message and its narrowest type.
FusionLayout fusion_layout(const MessageCapacity& capacity);

/// comm, flags, lamport: in the order in which upstream allocates them. @pre no problem with the capacity
std::vector<SegmentRequest> fusion_segments(const MessageCapacity& capacity);

/// As WorkspaceRow::capacity_problem.
std::optional<std::string> fusion_capacity_problem(const MessageCapacity& capacity, const CallShape& shape);

}  // namespace symmbench
