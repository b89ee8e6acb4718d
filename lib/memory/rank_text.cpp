#include "memory/rank_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace symmbench {

std::string rank_list(std::span<const int> world_ranks) {
  return fmt::format("{} {}", world_ranks.size() == 1 ? "rank" : "ranks", fmt::join(world_ranks, ", "));
}

std::string holders_by_value(std::span<const int> world_ranks, std::span<const std::string> values) {
  std::vector<std::pair<std::string, std::vector<int>>> holders;
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto place =
        std::find_if(holders.begin(), holders.end(), [&](const auto& each) { return each.first == values[i]; });
    if (place == holders.end()) place = holders.insert(holders.end(), {values[i], {}});
    place->second.push_back(world_ranks[i]);
  }
  std::string text;
  for (const auto& [value, ranks] : holders) {
    text += fmt::format("{}{} on {}", text.empty() ? "" : "; ", value, rank_list(ranks));
  }
  return text;
}

}  // namespace symmbench
