#include "workspace/capacity.hpp"

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

std::array<SegmentRequest, kSegments> segment_requests(const FusionLayout& layout) {
  return {{{"comm", layout.comm_bytes()}, {"flags", layout.flag_bytes()}, {"lamport", layout.lamport_bytes()}}};
}

std::uint64_t workspace_bytes(const FusionLayout& layout, const Allocator& allocator, std::uint64_t granularity) {
  std::uint64_t bytes = 0;
  for (const auto& segment : segment_requests(layout)) {
    bytes += allocator.allocated_bytes(segment.requested_bytes(), granularity);
  }
  return bytes;
}

std::optional<std::string> layout_problem(const FusionLayout& layout) {
  if (layout.world_size < 1 || layout.world_size > kMaxRanks) {
    return fmt::format("a workspace holds 1 to {} ranks, not {}", kMaxRanks, layout.world_size);
  }
  if (layout.message_bytes == 0 || layout.message_bytes % kPacketBytes != 0) {
    return fmt::format("the largest message must be a positive multiple of {} bytes, not {}", kPacketBytes,
                       layout.message_bytes);
  }
  if (layout.element_bytes != 2 && layout.element_bytes != 4) {
    return fmt::format("elements have 2 or 4 bytes, not {}", layout.element_bytes);
  }
  return std::nullopt;
}

std::optional<std::string> capacity_problem(const FusionLayout& layout, const CallShape& shape) {
  if (shape.world_size != layout.world_size) {
    return fmt::format("a call of {} ranks on a workspace of {}", shape.world_size, layout.world_size);
  }
  const std::uint64_t message = shape.message_bytes();
  if (message == 0 || message % kPacketBytes != 0) {
    return fmt::format("a message of {} bytes is no positive multiple of {}", message, kPacketBytes);
  }
  const auto ranks = static_cast<std::uint64_t>(shape.world_size);
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
      if (shape.blocks > kBarrierRows) {
        return fmt::format("two_shot_barrier with {} blocks, the flag buffer has {} rows", shape.blocks, kBarrierRows);
      }
      if (2 * call.padded_message_bytes() <= layout.comm_bytes()) return std::nullopt;
      return too_small("two_shot_barrier", fmt::format("2 x {}", format_bytes(call.padded_message_bytes())),
                       2 * call.padded_message_bytes(), "the comm segment", layout.comm_bytes());
    case Algorithm::nccl:
      return std::nullopt;  // takes nothing of a workspace
  }
  return "unknown algorithm";
}

}  // namespace symmbench
