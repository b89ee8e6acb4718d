#pragma once
#include <charconv>
#include <optional>
#include <string_view>

namespace symmbench {

// Items of a probe, as failures name them (FailureRecord::case_id).
inline constexpr std::string_view kItemOfHandles = "probe/handles", kItemOfOrder = "probe/order",
                                  kItemsOfTurns = "probe/turn/";

/// Of an item in which every rank of a group looks at the one so many places behind it: that number; nullopt: another item.
inline std::optional<int> probe_turn(std::string_view item_id) {
  if (!item_id.starts_with(kItemsOfTurns)) return std::nullopt;
  int turn = 0;
  const char* end = item_id.data() + item_id.size();
  const auto read = std::from_chars(item_id.data() + kItemsOfTurns.size(), end, turn);
  return read.ec == std::errc() && read.ptr == end ? std::optional(turn) : std::nullopt;
}

}  // namespace symmbench
