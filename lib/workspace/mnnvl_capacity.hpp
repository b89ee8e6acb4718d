#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "workspace/message_capacity.hpp"
#include "workspace/segment_set.hpp"

namespace symmbench {

/// Bytes of one of the three Lamport buffers of an mnnvl workspace that holds `capacity`, a multiple of 32. As upstream:
/// a two-shot of the largest message, and a one-shot as long as all ranks' messages are 1 MiB at most together. Where
/// one_shot itself is asked for, the whole message in one step too (upstream's force_oneshot_support). Cut off at what
/// upstream's 32-bit sizes hold.
std::uint64_t mnnvl_buffer_bytes(const MessageCapacity& capacity);

/// One segment, "lamport". @pre no problem with the capacity
std::vector<SegmentRequest> mnnvl_segments(const MessageCapacity& capacity);

/// As WorkspaceRow::capacity_problem.
std::optional<std::string> mnnvl_capacity_problem(const MessageCapacity& capacity, const CallShape& shape);

}  // namespace symmbench
