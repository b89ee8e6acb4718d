#include "workspace/trtllm_capacity.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "kernels/patterns.hpp"

namespace symmbench {

TrtllmLayout trtllm_layout(const MessageCapacity& capacity) {
  TrtllmLayout layout{.world_size = capacity.world_size()};
  for (const auto& shape : capacity.shapes()) {
    layout.elements = std::max(layout.elements, shape.elements());
    layout.hidden = std::max(layout.hidden, shape.hidden);
  }
  return layout;
}

std::vector<SegmentRequest> trtllm_segments(const MessageCapacity& capacity) {
  const auto layout = trtllm_layout(capacity);
  std::vector<SegmentRequest> segments;
  for (const auto* name : {"comm_even", "comm_odd"}) {
    segments.push_back({.name = name, .used_bytes = layout.comm_bytes()});
  }
  for (const auto* name : {"barrier_in", "barrier_out"}) {
    segments.push_back({.name = name, .used_bytes = layout.flag_bytes(), .pattern = 0u});
  }
  for (const auto* name : {"lamport_0", "lamport_1", "lamport_2"}) {
    segments.push_back({.name = name, .used_bytes = layout.lamport_bytes(), .pattern = kSentinel});
  }
  return segments;
}

std::optional<std::string> trtllm_capacity_problem(const MessageCapacity& capacity, const CallShape& shape) {
  const auto layout = trtllm_layout(capacity);
  const auto ranks = static_cast<std::uint64_t>(shape.world_size);
  const auto problem = [&](std::uint64_t messages, std::string_view buffer,
                           std::uint64_t available) -> std::optional<std::string> {
    const std::uint64_t needed = messages * shape.message_bytes();
    if (needed <= available) return std::nullopt;
    return fmt::format("{} needs {} x {} = {} bytes of a {} buffer, which has {}", name_of(shape.algorithm), messages,
                       format_bytes(shape.message_bytes()), needed, buffer, available);
  };
  switch (shape.algorithm) {
    case Algorithm::one_shot:
      if (by_rows(shape)) return problem(ranks, "Lamport", layout.lamport_bytes());
      return problem(ranks, "comm", layout.comm_bytes());
    case Algorithm::one_shot_pull:
    case Algorithm::two_shot_barrier:
      return problem(1, "comm", layout.comm_bytes());
    default:
      return fmt::format(
          "{} has no room in a trtllm workspace, which is for one_shot, one_shot_pull and two_shot_barrier",
          name_of(shape.algorithm));
  }
}

}  // namespace symmbench
