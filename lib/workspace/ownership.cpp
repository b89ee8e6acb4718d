#include "workspace/ownership.hpp"

#include <fmt/format.h>

namespace symmbench {
namespace {

// Signature in the upper byte, then segment, place and rank.
constexpr std::uint32_t kSignature = 0x5B000000u;
constexpr std::uint32_t kSignatureMask = 0xFF000000u;
constexpr int kSegmentShift = 20, kPlaceShift = 16;

std::string_view name_of(MarkPlace place) { return place == MarkPlace::first ? "first" : "last"; }

}  // namespace

std::uint32_t ownership_mark(int segment, int group_rank, MarkPlace place) {
  return kSignature | static_cast<std::uint32_t>(segment) << kSegmentShift |
         static_cast<std::uint32_t>(place) << kPlaceShift | static_cast<std::uint32_t>(group_rank);
}

std::optional<std::string> ownership_problem(const MarkSeen& seen, std::span<const std::string_view> segment_names,
                                             std::span<const int> world_ranks) {
  if (seen.value == ownership_mark(seen.segment, seen.group_rank, seen.place)) return std::nullopt;
  const auto where = fmt::format("segment {}: the mapping of rank {} shows", segment_names[seen.segment],
                                 world_ranks[seen.group_rank]);
  const auto owner = seen.value & 0xFFFFu;
  const auto segment = seen.value >> kSegmentShift & 0xFu;
  const auto place = static_cast<MarkPlace>(seen.value >> kPlaceShift & 0xFu);
  if ((seen.value & kSignatureMask) != kSignature || owner >= world_ranks.size() || segment >= segment_names.size()) {
    return fmt::format("{} {:#010x} in its {} word, no rank's mark", where, seen.value, name_of(seen.place));
  }
  if (place != seen.place) {
    return fmt::format("{} the {} word of rank {}'s segment {} in its {} word", where, name_of(place),
                       world_ranks[owner], segment_names[segment], name_of(seen.place));
  }
  if (segment != static_cast<std::uint32_t>(seen.segment)) {
    return fmt::format("{} rank {}'s segment {}", where, world_ranks[owner], segment_names[segment]);
  }
  return fmt::format("{} rank {}'s memory", where, world_ranks[owner]);
}

}  // namespace symmbench
