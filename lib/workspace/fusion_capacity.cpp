#include "workspace/fusion_capacity.hpp"

#include <fmt/format.h>

#include "core/text.hpp"

namespace symmbench {
namespace {

std::string too_small(std::string_view algorithm, std::string_view how, std::uint64_t needed, std::string_view region,
                      std::uint64_t available) {
  // Exact: near the limit both would read "2 GiB".
  return fmt::format("{} needs {} = {} bytes of {}, which has {}", algorithm, how, needed, region, available);
}

}  // namespace

FusionLayout fusion_layout(const MessageCapacity& capacity) {
  return {capacity.world_size(), capacity.message_bytes(), capacity.element_bytes()};
}

std::vector<SegmentRequest> fusion_segments(const MessageCapacity& capacity) {
  const auto layout = fusion_layout(capacity);
  return {{.name = "comm", .used_bytes = layout.comm_bytes()},
          {.name = "flags", .used_bytes = layout.flag_bytes(), .pattern = 0u},
          {.name = "lamport", .used_bytes = layout.lamport_bytes(), .pattern = kSentinel}};
}

std::optional<std::string> fusion_capacity_problem(const MessageCapacity& capacity, const CallShape& shape) {
  const auto layout = fusion_layout(capacity);
  const auto ranks = static_cast<std::uint64_t>(shape.world_size);
  const std::uint64_t message = shape.message_bytes();
  const FusionLayout call{shape.world_size, message, element_bytes(shape.dtype)};
  switch (shape.algorithm) {
    case Algorithm::one_shot:
      if (ranks * message <= layout.slot_bytes()) return std::nullopt;
      return too_small("one_shot", fmt::format("{} x {}", ranks, format_bytes(message)), ranks * message,
                       "a Lamport slot", layout.slot_bytes());
    case Algorithm::two_shot:
      if (2 * call.padded_message_bytes() <= layout.slot_bytes()) return std::nullopt;
      return too_small("two_shot", fmt::format("2 x {}", format_bytes(call.padded_message_bytes())),
                       2 * call.padded_message_bytes(), "a Lamport slot", layout.slot_bytes());
    case Algorithm::two_shot_barrier:
      if (2 * call.padded_message_bytes() <= layout.comm_bytes()) return std::nullopt;
      return too_small("two_shot_barrier", fmt::format("2 x {}", format_bytes(call.padded_message_bytes())),
                       2 * call.padded_message_bytes(), "the comm segment", layout.comm_bytes());
    case Algorithm::one_shot_pull:
    case Algorithm::nccl:
    case Algorithm::nccl_symmetric:
      break;
  }
  return fmt::format("{} has no room in a trtllm_fusion workspace", name_of(shape.algorithm));
}

}  // namespace symmbench
