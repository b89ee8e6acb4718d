#include "report/placements.hpp"

#include <algorithm>

#include "stats/statistics.hpp"

namespace symmbench {

std::map<int, std::vector<std::vector<double>>> blocks_by_placement(const RowRecord& row) {
  auto blocks = row.blocks;
  std::stable_sort(blocks.begin(), blocks.end(), [](const auto& a, const auto& b) { return a.position < b.position; });
  std::map<int, std::vector<std::vector<double>>> by_placement;
  for (auto& block : blocks) by_placement[block.placement].push_back(std::move(block.batch_us));
  return by_placement;
}

std::map<int, double> placement_means_us(const RowRecord& row) {
  std::map<int, double> means;
  for (const auto& [placement, blocks] : blocks_by_placement(row)) {
    std::vector<double> samples;
    for (const auto& block : blocks) samples.insert(samples.end(), block.begin(), block.end());
    if (const auto time_us = mean(samples)) means[placement] = *time_us;
  }
  return means;
}

std::optional<double> placement_spread(const RowRecord& row) {
  const auto means = placement_means_us(row);
  if (means.size() < 2) return std::nullopt;
  const auto [fastest, slowest] =
      std::minmax_element(means.begin(), means.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return fastest->second > 0 ? std::optional(slowest->second / fastest->second - 1) : std::nullopt;
}

}  // namespace symmbench
