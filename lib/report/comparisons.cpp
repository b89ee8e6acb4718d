#include "report/comparisons.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "catalog/pattern_parameters.hpp"
#include "report/comparison_entry.hpp"
#include "report/pick.hpp"
#include "report/placements.hpp"
#include "report/reference.hpp"
#include "stats/comparison.hpp"

namespace symmbench {
namespace {

/// What one allocator measured in a case.
struct AllocatorRun {
  const Json* row;  ///< of results[]
  const RowRecord* measured;
};

/// Two allocators that took turns in a case.
struct Pair {
  AllocatorRun a, b;
  PairedCase measured;
};

std::string key_of(const Json& row, std::span<const char* const> keys) {
  Json values = Json::array();
  for (const char* key : keys) values.push_back(member(row, key));
  return values.dump();
}

Json handle_asked(const Json& row) { return pick_text(member(row, "handle"), "asked"); }

/// What is judged together: a verdict on one of many must be clearer than one by itself.
std::string family_of(const Json& row, const Json& handle) {
  constexpr std::array kKeys{"workspace", "transport", "group", "pattern"};
  return key_of(row, kKeys) + handle.dump();
}

/// Sizes of one series.
std::string series_of(const Pair& pair) {
  constexpr std::array kKeys{"algorithm", "dtype", "accumulate", "in_place", "pdl", "trigger", "buffers_asked"};
  Json parameters = Json::array();
  PatternParameters::visit(
      [&](std::string_view name, std::string_view, auto) { parameters.push_back(member(*pair.a.row, name)); });
  return key_of(*pair.a.row, kKeys) + parameters.dump() + text_or(*pair.a.row, "allocator") + "/" +
         text_or(*pair.b.row, "allocator");
}

std::vector<PlacementBlocks> paired_placements(const RowRecord& a, const RowRecord& b) {
  auto a_blocks = blocks_by_placement(a), b_blocks = blocks_by_placement(b);
  std::vector<PlacementBlocks> placements;
  for (auto& [placement, blocks] : a_blocks) {
    const auto other = b_blocks.find(placement);
    if (other != b_blocks.end()) placements.push_back({.a = std::move(blocks), .b = std::move(other->second)});
  }
  return placements;
}

std::vector<Pair> pairs_of(const Outcomes& outcomes, std::span<const Json> planned_rows, const Json& results) {
  std::vector<std::string> case_order;
  std::map<std::string, std::vector<AllocatorRun>> by_case;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i].at("status") != "ok") continue;
    const RowOutcome outcome = outcomes.of(planned_rows[i]);
    if (outcome.measured == nullptr) continue;
    const auto case_id = results[i].at("case_id").get<std::string>();
    if (!by_case.contains(case_id)) case_order.push_back(case_id);
    by_case[case_id].push_back({&results[i], outcome.measured});
  }
  std::vector<Pair> pairs;
  for (const auto& case_id : case_order) {
    const auto& runs = by_case[case_id];
    for (auto run = runs.begin(); run != runs.end(); ++run) {
      // What was measured in different attempts was measured at different times: nothing is paired.
      const auto first = std::find_if(runs.begin(), run, [&](const AllocatorRun& other) {
        return other.measured->attempt == run->measured->attempt;
      });
      if (first == run) continue;
      if (auto paired = pair_up(paired_placements(*first->measured, *run->measured))) {
        pairs.push_back({*first, *run, std::move(*paired)});
      }
    }
  }
  return pairs;
}

Json entry_of(const Pair& pair, const PairedComparison& result) {
  const Json &a = *pair.a.row, &b = *pair.b.row;
  Json entry{{"case_id", a.at("case_id")}, {"allocators", Json::array({a.at("allocator"), b.at("allocator")})}};
  entry["allocator_a"] = a.at("allocator");
  entry["allocator_b"] = b.at("allocator");
  entry["transport"] = pick_text(a, "transport");
  add_case(entry, a, b);
  add_result(entry, result);
  entry["ci"] = result.interval ? Json::array({result.interval->low, result.interval->high}) : Json(nullptr);
  entry["block_spread"] = result.block_spread;
  return entry;
}

}  // namespace

FamilySizes family_sizes(std::span<const Json> plan) {
  FamilySizes sizes;
  std::set<std::string> cases;
  for (const Json& planned : plan) {
    if (is_reference(planned) || !pick_text(planned, "skip").is_null()) continue;
    const bool first_of_case = cases.insert(text_or(planned, "case_id")).second;
    if (!first_of_case) ++sizes[family_of(planned, pick_text(planned, "handle_asked"))];
  }
  return sizes;
}

Json fold_comparison(const Outcomes& outcomes, std::span<const Json> planned_rows, const Json& results) {
  const auto pairs = pairs_of(outcomes, planned_rows, results);
  std::map<std::string, std::vector<std::size_t>> families;  // indices of pairs
  std::map<std::string, std::size_t> series;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    families[family_of(*pairs[i].a.row, handle_asked(*pairs[i].a.row))].push_back(i);
    series.try_emplace(series_of(pairs[i]), series.size());
  }
  std::vector<Json> entries(pairs.size());
  for (const auto& [key, members] : families) {
    std::vector<FamilyMember> family;
    for (const std::size_t i : members) family.push_back({pairs[i].measured, series.at(series_of(pairs[i]))});
    const auto judged = compare(family);
    for (std::size_t k = 0; k < members.size(); ++k) entries[members[k]] = entry_of(pairs[members[k]], judged[k]);
  }
  Json comparison = Json::array();
  for (Json& entry : entries) comparison.push_back(std::move(entry));
  return comparison;
}

Json early_comparison(const Outcomes& outcomes, std::span<const Json> planned_rows, const Json& results,
                      const FamilySizes& sizes) {
  Json comparison = Json::array();
  for (const Pair& pair : pairs_of(outcomes, planned_rows, results)) {
    const auto size = sizes.find(family_of(*pair.a.row, handle_asked(*pair.a.row)));
    comparison.push_back(entry_of(pair, compare_early(pair.measured, size == sizes.end() ? 1 : size->second)));
  }
  return comparison;
}

}  // namespace symmbench
