#include "report/comparisons.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "report/pick.hpp"
#include "stats/comparison.hpp"

namespace symmbench {
namespace {

struct Contestant {
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

std::optional<Json> compare(const std::string& case_id, const Contestant& a, const Contestant& b) {
  if (a.row->attempt != b.row->attempt) return std::nullopt;  // measured at different times: nothing is paired
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

/// The keys that all rows of one crossover series share.
constexpr std::array<const char*, 8> kSeriesKeys{"workspace",  "transport", "allocator", "group",
                                                 "group_size", "pattern",   "dtype",     "in_place"};

struct Point {
  std::uint64_t message_bytes;
  std::string algorithm;
  double mean_us;
};

struct Series {
  Json keys;
  std::vector<Point> points;
};

Json ranges_json(const std::vector<Point>& points) {
  std::map<std::uint64_t, const Point*> fastest;
  for (const auto& point : points) {
    const auto [it, added] = fastest.emplace(point.message_bytes, &point);
    if (!added && point.mean_us < it->second->mean_us) it->second = &point;
  }
  Json ranges = Json::array();
  for (const auto& [bytes, point] : fastest) {
    if (!ranges.empty() && ranges.back()["algorithm"] == point->algorithm) {
      ranges.back()["to_bytes"] = bytes;
    } else {
      ranges.push_back({{"algorithm", point->algorithm}, {"from_bytes", bytes}, {"to_bytes", bytes}});
    }
  }
  return ranges;
}

}  // namespace

Json fold_comparison(const RecordSet& records, const Outcomes& outcomes, const Json& results) {
  std::vector<std::string> case_order;
  std::map<std::string, std::vector<Contestant>> by_case;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i].at("status") != "ok") continue;
    const RowOutcome outcome = outcomes.of(records.started.planned_rows[i]);
    if (outcome.measured == nullptr) continue;
    const auto case_id = results[i].at("case_id").get<std::string>();
    if (!by_case.contains(case_id)) case_order.push_back(case_id);
    by_case[case_id].push_back({results[i].at("allocator").get<std::string>(), outcome.measured});
  }
  Json comparison = Json::array();
  for (const auto& case_id : case_order) {
    const auto& contestants = by_case[case_id];
    for (std::size_t a = 0; a < contestants.size(); ++a) {
      for (std::size_t b = a + 1; b < contestants.size(); ++b) {
        if (auto entry = compare(case_id, contestants[a], contestants[b])) comparison.push_back(std::move(*entry));
      }
    }
  }
  return comparison;
}

Json fold_crossover(const Json& results) {
  std::vector<Series> all_series;
  for (const Json& row : results) {
    const bool measured = row.at("status") == "ok" && row.at("time_us").is_object() &&
                          row.at("message_bytes").is_number() && row.at("algorithm").is_string();
    if (!measured) continue;
    Json keys = Json::object();
    for (const char* key : kSeriesKeys) keys[key] = row.at(key);
    keys["handle_asked"] = row.at("handle").at("asked");
    auto it =
        std::find_if(all_series.begin(), all_series.end(), [&](const auto& series) { return series.keys == keys; });
    if (it == all_series.end()) it = all_series.insert(all_series.end(), Series{keys, {}});
    it->points.push_back({row.at("message_bytes").get<std::uint64_t>(), row.at("algorithm").get<std::string>(),
                          row.at("time_us").at("mean").get<double>()});
  }
  Json crossover = Json::array();
  for (const auto& [series, points] : all_series) {
    std::set<std::string> algorithms;
    for (const auto& point : points) algorithms.insert(point.algorithm);
    if (algorithms.size() < 2) continue;
    Json entry = series;
    entry["ranges"] = ranges_json(points);
    crossover.push_back(std::move(entry));
  }
  return crossover;
}

}  // namespace symmbench
