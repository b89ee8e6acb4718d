#include "workspace/mnnvl_capacity.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/round.hpp"
#include "core/text.hpp"
#include "core/units.hpp"

namespace symmbench {
namespace {

constexpr std::uint64_t kBufferAlignment = 32;
constexpr std::uint64_t kMostBufferBytes = 0xFFFFFFFFull / kBufferAlignment * kBufferAlignment;
/// Of the messages of all ranks together: upstream's one-shot ends here.
constexpr std::uint64_t kOneShotBytes = kMiB;

std::uint64_t one_shot_bytes(const CallShape& shape, std::uint64_t tokens) {
  return tokens * static_cast<std::uint64_t>(shape.world_size) * shape.row_bytes();
}
std::uint64_t padded_tokens(const CallShape& shape) {
  return round_up(shape.tokens, static_cast<std::uint64_t>(shape.world_size));
}
std::uint64_t two_shot_bytes(const CallShape& shape) { return 2 * padded_tokens(shape) * shape.row_bytes(); }

std::uint64_t needed_bytes(const CallShape& shape) {
  const std::uint64_t one_shot_tokens =
      std::min(shape.tokens, kOneShotBytes / std::max<std::uint64_t>(one_shot_bytes(shape, 1), 1));
  const std::uint64_t tokens = shape.algorithm == Algorithm::one_shot ? shape.tokens : one_shot_tokens;
  return std::max(two_shot_bytes(shape), one_shot_bytes(shape, tokens));
}

}  // namespace

std::uint64_t mnnvl_buffer_bytes(const MessageCapacity& capacity) {
  std::uint64_t bytes = 0;
  for (const auto& shape : capacity.shapes()) bytes = std::max(bytes, needed_bytes(shape));
  return std::min(round_up(bytes, kBufferAlignment), kMostBufferBytes);
}

std::vector<SegmentRequest> mnnvl_segments(const MessageCapacity& capacity) {
  return {{.name = "lamport", .used_bytes = kLamportSlots * mnnvl_buffer_bytes(capacity), .pattern = kSentinel}};
}

std::optional<std::string> mnnvl_capacity_problem(const MessageCapacity& capacity, const CallShape& shape) {
  const std::uint64_t available = mnnvl_buffer_bytes(capacity);
  const auto problem = [&](std::uint64_t needed, const std::string& how) -> std::optional<std::string> {
    if (needed <= available) return std::nullopt;
    return fmt::format("{} needs {} = {} bytes of a Lamport buffer, which has {}", name_of(shape.algorithm), how,
                       needed, available);
  };
  const std::string row = format_bytes(shape.row_bytes());
  switch (shape.algorithm) {
    case Algorithm::one_shot:
      return problem(one_shot_bytes(shape, shape.tokens),
                     fmt::format("{} x {} tokens x {}", shape.world_size, shape.tokens, row));
    case Algorithm::two_shot:
      return problem(two_shot_bytes(shape), fmt::format("2 x {} tokens x {}", padded_tokens(shape), row));
    default:
      return fmt::format("{} has no room in an mnnvl workspace, which is for one_shot and two_shot",
                         name_of(shape.algorithm));
  }
}

}  // namespace symmbench
