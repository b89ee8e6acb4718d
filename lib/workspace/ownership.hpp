#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "device/driver.hpp"

namespace symmbench {

/// Where a mark stands in a segment: its first and its last used word, so that a mapping of the wrong size shows too.
enum class MarkPlace : std::uint32_t { first = 0, last = 1 };
inline constexpr MarkPlace kMarkPlaces[] = {MarkPlace::first, MarkPlace::last};

/// The word that `group_rank` writes into its own segment: unlike every other mark and every start pattern.
std::uint32_t ownership_mark(int segment, int group_rank, MarkPlace place);

/// What a word read through a mapping says, compared with what it should say.
struct MarkSeen {
  int segment = 0;
  int group_rank = 0;  ///< whose mapping was read
  MarkPlace place = MarkPlace::first;
  std::uint32_t value = 0;
};

/// nullopt when the mark is right; else "segment lamport: the mapping of rank 3 shows rank 1's memory".
std::optional<std::string> ownership_problem(const MarkSeen& seen, std::span<const std::string_view> segment_names,
                                             std::span<const int> world_ranks);

}  // namespace symmbench
