#include "report/comparisons.hpp"

#include <algorithm>
#include <map>

#include "report/pick.hpp"
#include "stats/comparison.hpp"

namespace symmbench {
namespace {

/// What one allocator measured in a case.
struct AllocatorRun {
  std::string allocator;
  const RowRecord* row;
};

/// Sample blocks in the order in which they ran.
std::vector<std::vector<double>> blocks_in_order(const RowRecord& row) {
  auto blocks = row.blocks;
  std::stable_sort(blocks.begin(), blocks.end(), [](const auto& a, const auto& b) { return a.position < b.position; });
  std::vector<std::vector<double>> times;
  for (auto& block : blocks) times.push_back(std::move(block.batch_us));
  return times;
}

std::optional<Json> compare(const std::string& case_id, const AllocatorRun& a, const AllocatorRun& b) {
  const auto result = compare_paired(blocks_in_order(*a.row), blocks_in_order(*b.row));
  if (!result) return std::nullopt;
  Json interval = nullptr;
  if (result->interval) interval = Json::array({result->interval->low, result->interval->high});
  return Json{{"case_id", case_id},
              {"allocators", Json::array({a.allocator, b.allocator})},
              {"ratio", result->ratio},
              {"ci", interval},
              {"block_spread", result->block_spread},
              {"verdict", name_of(result->verdict)}};
}

}  // namespace

Json fold_comparison(const Outcomes& outcomes, std::span<const Json> planned_rows, const Json& results) {
  std::vector<std::string> case_order;
  std::map<std::string, std::vector<AllocatorRun>> by_case;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i].at("status") != "ok") continue;
    const RowOutcome outcome = outcomes.of(planned_rows[i]);
    if (outcome.measured == nullptr) continue;
    const auto case_id = results[i].at("case_id").get<std::string>();
    if (!by_case.contains(case_id)) case_order.push_back(case_id);
    by_case[case_id].push_back({results[i].at("allocator").get<std::string>(), outcome.measured});
  }
  Json comparison = Json::array();
  for (const auto& case_id : case_order) {
    const auto& runs = by_case[case_id];
    for (auto run = runs.begin(); run != runs.end(); ++run) {
      // What was measured in different attempts was measured at different times: nothing is paired.
      const auto first = std::find_if(
          runs.begin(), run, [&](const AllocatorRun& other) { return other.row->attempt == run->row->attempt; });
      if (first == run) continue;
      if (auto entry = compare(case_id, *first, *run)) comparison.push_back(std::move(*entry));
    }
  }
  return comparison;
}

}  // namespace symmbench
