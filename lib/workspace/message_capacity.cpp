#include "workspace/message_capacity.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace symmbench {
namespace {

bool differ_in_tokens_only(const CallShape& a, const CallShape& b) {
  return a.workspace == b.workspace && a.transport == b.transport && a.algorithm == b.algorithm &&
         a.pattern == b.pattern && a.dtype == b.dtype && a.world_size == b.world_size && a.hidden == b.hidden;
}

}  // namespace

void MessageCapacity::add(const CallShape& shape) {
  const auto same =
      std::find_if(shapes_.begin(), shapes_.end(), [&](const auto& one) { return differ_in_tokens_only(one, shape); });
  if (same != shapes_.end()) {
    same->tokens = std::max(same->tokens, shape.tokens);
    return;
  }
  CallShape added = shape;
  added.in_place = false;
  added.blocks = added.threads = 0;
  added.pdl = true;
  added.accumulation = Accumulation::fp32;
  added.trigger = TriggerPoint::early;
  shapes_.push_back(added);
}

void MessageCapacity::add(const MessageCapacity& other) {
  for (const auto& shape : other.shapes_) add(shape);
}

std::uint64_t MessageCapacity::message_bytes() const {
  std::uint64_t largest = 0;
  for (const auto& shape : shapes_) largest = std::max(largest, shape.message_bytes());
  return largest;
}

std::uint64_t MessageCapacity::element_bytes() const {
  std::uint64_t narrowest = 0;
  for (const auto& shape : shapes_) {
    const auto bytes = symmbench::element_bytes(shape.dtype);
    narrowest = narrowest == 0 ? bytes : std::min(narrowest, bytes);
  }
  return narrowest;
}

std::optional<std::string> MessageCapacity::problem() const {
  if (world_size() < 1 || world_size() > kMaxRanks) {
    return fmt::format("a workspace holds 1 to {} ranks, not {}", kMaxRanks, world_size());
  }
  if (message_bytes() == 0 || message_bytes() % kPacketBytes != 0) {
    return fmt::format("the largest message must be a positive multiple of {} bytes, not {}", kPacketBytes,
                       message_bytes());
  }
  return std::nullopt;
}

}  // namespace symmbench
