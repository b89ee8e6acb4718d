#include "report/crossover.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>

#include "config/tuning.hpp"
#include "report/pick.hpp"
#include "report/placements.hpp"
#include "report/reference.hpp"
#include "stats/comparison.hpp"
#include "stats/statistics.hpp"

namespace symmbench {
namespace {

/// The keys that all rows of one series share, beside hidden and handle.
constexpr std::array<const char*, 12> kSeriesKeys{"workspace",  "transport", "allocator", "group",
                                                  "group_size", "pattern",   "dtype",     "accumulate",
                                                  "in_place",   "pdl",       "trigger",   "buffers_asked"};

struct Timed {
  std::string algorithm;
  double mean_us = 0;
  const Json* time_us;        ///< of its row
  const RowRecord* measured;  ///< null: unknown
};

/// Those that a library's rows share with the series that they stand beside: it has buffers of its own.
constexpr std::array<const char*, 6> kLibraryKeys{"group", "group_size", "pattern",
                                                  "dtype", "in_place",   "buffers_asked"};

/// What is known of one size.
struct Size {
  std::vector<Timed> timed;  ///< one per algorithm
  Json auto_algorithm, auto_source;
};

struct SizeSeries {
  Json keys;
  std::vector<std::string> algorithms;  ///< in the order of the plan
  std::map<std::uint64_t, Size> sizes;
  bool auto_asked = false;

  /// How often two algorithms are held against each other; at least 1.
  std::size_t questions() const {
    std::size_t count = 0;
    for (const auto& [bytes, size] : sizes) count += size.timed.size() - 1;
    return std::max<std::size_t>(count, 1);
  }

  /// At one size at least there is something to rank.
  bool contested() const {
    return std::any_of(sizes.begin(), sizes.end(), [](const auto& size) { return size.second.timed.size() > 1; });
  }
};

Json keys_of(const Json& row) {
  Json keys = Json::object();
  for (const char* key : kSeriesKeys) keys[key] = row.at(key);
  keys["hidden"] = row.at("pattern") == "allreduce" ? Json(nullptr) : row.at("hidden");
  keys["handle_asked"] = row.at("handle").at("asked");
  keys["handle_used"] = row.at("handle").at("used");
  return keys;
}

void add(Size& size, Timed added) {
  const auto same = std::find_if(size.timed.begin(), size.timed.end(),
                                 [&](const Timed& timed) { return timed.algorithm == added.algorithm; });
  if (same == size.timed.end()) {
    size.timed.push_back(std::move(added));
  } else if (added.mean_us < same->mean_us) {
    *same = std::move(added);
  }
}

/// Whether `slow` is known to take longer than `fast`, as one of `questions` that are asked of a series: one of them may
/// be answered wrongly in kChanceLevel of the series. Where both ran in enough placements of the same workspaces, these
/// are compared; else their samples, whose intervals must not meet.
bool is_slower(const Timed& slow, const Timed& fast, std::size_t questions) {
  if (slow.mean_us <= fast.mean_us * (1 + kSameWithin)) return false;
  std::vector<double> log_ratios;
  if (slow.measured != nullptr && fast.measured != nullptr) {
    const auto slow_us = placement_means_us(*slow.measured), fast_us = placement_means_us(*fast.measured);
    for (const auto& [placement, time_us] : slow_us) {
      const auto other = fast_us.find(placement);
      if (other != fast_us.end()) log_ratios.push_back(std::log(time_us / other->second));
    }
  }
  if (log_ratios.size() >= kPlacementsToDecide) {
    const auto count = static_cast<double>(log_ratios.size());
    const double reach = student_t_quantile(kChanceLevel / static_cast<double>(questions), count - 1);
    return *mean(log_ratios) > reach * *standard_deviation(log_ratios) / std::sqrt(count);
  }
  const Json low = pick_number(*slow.time_us, "ci95_low"), high = pick_number(*fast.time_us, "ci95_high");
  return low.is_number() && high.is_number() && low.get<double>() > high.get<double>();
}

bool is_measured(const Json& row) {
  return row.at("status") == "ok" && row.at("time_us").is_object() && row.at("message_bytes").is_number() &&
         row.at("algorithm").is_string();
}

/// Adds the row to its size, which is new where it has none yet.
Size& add(SizeSeries& series, const Json& row, const RowRecord* measured) {
  const auto algorithm = row.at("algorithm").get<std::string>();
  if (std::find(series.algorithms.begin(), series.algorithms.end(), algorithm) == series.algorithms.end()) {
    series.algorithms.push_back(algorithm);
  }
  Size& size = series.sizes[row.at("message_bytes").get<std::uint64_t>()];
  const Json& time_us = row.at("time_us");
  add(size, {algorithm, time_us.at("mean").get<double>(), &time_us, measured});
  return size;
}

/// Adds a library's row to every series that ran its size.
void add_beside(std::vector<SizeSeries>& all_series, const Json& row, const RowRecord* measured) {
  for (auto& series : all_series) {
    const bool same = std::all_of(kLibraryKeys.begin(), kLibraryKeys.end(),
                                  [&](const char* key) { return series.keys.at(key) == row.at(key); });
    const bool ran = series.sizes.contains(row.at("message_bytes").get<std::uint64_t>());
    if (same && ran) add(series, row, measured);
  }
}

/// `by_time` is fastest first and not empty.
Json auto_json(const Size& size, const std::vector<Timed>& by_time, std::size_t questions) {
  if (!size.auto_algorithm.is_string()) return nullptr;
  const auto taken = std::find_if(by_time.begin(), by_time.end(),
                                  [&](const Timed& timed) { return size.auto_algorithm == timed.algorithm; });
  const auto best_own =
      std::find_if(by_time.begin(), by_time.end(), [](const Timed& timed) { return is_tunable(timed.algorithm); });
  const bool measured = taken != by_time.end();
  const bool comparable = measured && best_own != by_time.end() && best_own->mean_us > 0;
  return {{"algorithm", size.auto_algorithm},
          {"source", size.auto_source},
          {"time_us", measured ? Json(taken->mean_us) : Json(nullptr)},
          {"loss", comparable ? Json(std::max(1.0, taken->mean_us / best_own->mean_us)) : Json(nullptr)},
          {"loss_decided", comparable ? Json(is_slower(*taken, *best_own, questions)) : Json(nullptr)}};
}

Json size_json(std::uint64_t bytes, const Size& size, std::size_t questions) {
  auto by_time = size.timed;
  std::stable_sort(by_time.begin(), by_time.end(),
                   [](const Timed& a, const Timed& b) { return a.mean_us < b.mean_us; });
  const Timed& fastest = by_time.front();
  const Timed* second = by_time.size() > 1 ? &by_time[1] : nullptr;
  Json tied = Json::array();
  for (auto other = by_time.begin() + 1; other != by_time.end(); ++other) {
    if (!is_slower(*other, fastest, questions)) tied.push_back(other->algorithm);
  }
  return {{"message_bytes", bytes},
          {"fastest", fastest.algorithm},
          {"time_us", fastest.mean_us},
          {"runner_up", second != nullptr ? Json(second->algorithm) : Json(nullptr)},
          {"ratio", second != nullptr && fastest.mean_us > 0 ? Json(second->mean_us / fastest.mean_us) : Json(nullptr)},
          {"tied_with", std::move(tied)},
          {"auto", auto_json(size, by_time, questions)}};
}

/// The fastest of a size and what is tied with it, in the order of the series.
Json best_of(const Json& size, const std::vector<std::string>& algorithms) {
  Json best = Json::array();
  for (const auto& algorithm : algorithms) {
    const Json& tied = size.at("tied_with");
    const bool is_tied = std::find(tied.begin(), tied.end(), algorithm) != tied.end();
    if (is_tied || size.at("fastest") == algorithm) best.push_back(algorithm);
  }
  return best;
}

/// Of the sizes that more than one algorithm ran: one alone is no finding.
Json ranges_json(const Json& sizes, const std::vector<std::string>& algorithms) {
  Json ranges = Json::array();
  for (const Json& size : sizes) {
    if (size.at("runner_up").is_null()) continue;
    const Json best = best_of(size, algorithms);
    if (!ranges.empty() && ranges.back().at("algorithms") == best) {
      ranges.back()["to_bytes"] = size.at("message_bytes");
    } else {
      ranges.push_back({{"algorithm", size.at("fastest")},
                        {"algorithms", best},
                        {"from_bytes", size.at("message_bytes")},
                        {"to_bytes", size.at("message_bytes")}});
    }
  }
  return ranges;
}

Json series_json(const SizeSeries& series) {
  Json entry = series.keys;
  entry["algorithms"] = Json::array();
  for (const auto& algorithm : series.algorithms) {
    entry["algorithms"].push_back({{"algorithm", algorithm}, {"peer", !is_tunable(algorithm)}});
  }
  Json sizes = Json::array();
  for (const auto& [bytes, size] : series.sizes) sizes.push_back(size_json(bytes, size, series.questions()));
  entry["sizes"] = std::move(sizes);
  entry["ranges"] = ranges_json(entry["sizes"], series.algorithms);
  entry["auto_asked"] = series.auto_asked;
  return entry;
}

}  // namespace

Json fold_crossover(const Outcomes& outcomes, const std::vector<Json>& planned_rows, const Json& results) {
  std::vector<SizeSeries> all_series;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Json& row = results[i];
    if (!is_measured(row) || is_reference(row)) continue;
    const Json keys = keys_of(row);
    auto it =
        std::find_if(all_series.begin(), all_series.end(), [&](const auto& series) { return series.keys == keys; });
    if (it == all_series.end()) it = all_series.insert(all_series.end(), SizeSeries{.keys = keys});
    it->auto_asked = it->auto_asked || text_or(row, "algorithm_asked") == "auto";
    Size& size = add(*it, row, outcomes.of(planned_rows[i]).measured);
    size.auto_algorithm = pick_text(planned_rows[i], "auto_algorithm");
    size.auto_source = pick_text(planned_rows[i], "auto_source");
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Json& row = results[i];
    if (is_measured(row) && is_reference(row)) add_beside(all_series, row, outcomes.of(planned_rows[i]).measured);
  }
  Json crossover = Json::array();
  for (const auto& series : all_series) {
    if (series.contested()) crossover.push_back(series_json(series));
  }
  return crossover;
}

}  // namespace symmbench
