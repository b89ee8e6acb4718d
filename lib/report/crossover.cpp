#include "report/crossover.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "config/tuning.hpp"
#include "report/pick.hpp"
#include "report/reference.hpp"

namespace symmbench {
namespace {

/// The keys that all rows of one series share, beside hidden and handle.
constexpr std::array<const char*, 10> kSeriesKeys{"workspace", "transport", "allocator", "group", "group_size",
                                                  "pattern",   "dtype",     "in_place",  "pdl",   "buffers_asked"};

struct Timed {
  std::string algorithm;
  double mean_us = 0;
};

/// Those that a library's rows share with the series that they stand beside: it has buffers of its own.
constexpr std::array<const char*, 6> kLibraryKeys{"group", "group_size", "pattern",
                                                  "dtype", "in_place",   "buffers_asked"};

/// What is known of one size.
struct Size {
  std::vector<Timed> timed;  ///< one per algorithm
  Json auto_algorithm, auto_source;
};

struct Series {
  Json keys;
  std::vector<std::string> algorithms;  ///< in the order of the plan
  std::map<std::uint64_t, Size> sizes;
};

Json keys_of(const Json& row) {
  Json keys = Json::object();
  for (const char* key : kSeriesKeys) keys[key] = row.at(key);
  keys["hidden"] = row.at("pattern") == "allreduce" ? Json(nullptr) : row.at("hidden");
  keys["handle_asked"] = row.at("handle").at("asked");
  keys["handle_used"] = row.at("handle").at("used");
  return keys;
}

void add(Size& size, const std::string& algorithm, double mean_us) {
  const auto same = std::find_if(size.timed.begin(), size.timed.end(),
                                 [&](const Timed& timed) { return timed.algorithm == algorithm; });
  if (same == size.timed.end()) {
    size.timed.push_back({algorithm, mean_us});
  } else {
    same->mean_us = std::min(same->mean_us, mean_us);
  }
}

bool is_measured(const Json& row) {
  return row.at("status") == "ok" && row.at("time_us").is_object() && row.at("message_bytes").is_number() &&
         row.at("algorithm").is_string();
}

/// Adds the row to its size, which is new where it has none yet.
Size& add(Series& series, const Json& row) {
  const auto algorithm = row.at("algorithm").get<std::string>();
  if (std::find(series.algorithms.begin(), series.algorithms.end(), algorithm) == series.algorithms.end()) {
    series.algorithms.push_back(algorithm);
  }
  Size& size = series.sizes[row.at("message_bytes").get<std::uint64_t>()];
  add(size, algorithm, row.at("time_us").at("mean").get<double>());
  return size;
}

/// Adds a library's row to every series that ran its size.
void add_beside(std::vector<Series>& all_series, const Json& row) {
  for (auto& series : all_series) {
    const bool same = std::all_of(kLibraryKeys.begin(), kLibraryKeys.end(),
                                  [&](const char* key) { return series.keys.at(key) == row.at(key); });
    if (same && series.sizes.contains(row.at("message_bytes").get<std::uint64_t>())) add(series, row);
  }
}

/// `by_time` is fastest first and not empty.
Json auto_json(const Size& size, const std::vector<Timed>& by_time) {
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
          {"loss", comparable ? Json(std::max(1.0, taken->mean_us / best_own->mean_us)) : Json(nullptr)}};
}

Json size_json(std::uint64_t bytes, const Size& size) {
  auto by_time = size.timed;
  std::stable_sort(by_time.begin(), by_time.end(),
                   [](const Timed& a, const Timed& b) { return a.mean_us < b.mean_us; });
  const Timed& fastest = by_time.front();
  const Timed* second = by_time.size() > 1 ? &by_time[1] : nullptr;
  return {{"message_bytes", bytes},
          {"fastest", fastest.algorithm},
          {"time_us", fastest.mean_us},
          {"runner_up", second != nullptr ? Json(second->algorithm) : Json(nullptr)},
          {"ratio", second != nullptr && fastest.mean_us > 0 ? Json(second->mean_us / fastest.mean_us) : Json(nullptr)},
          {"auto", auto_json(size, by_time)}};
}

Json ranges_json(const Json& sizes) {
  Json ranges = Json::array();
  for (const Json& size : sizes) {
    if (!ranges.empty() && ranges.back().at("algorithm") == size.at("fastest")) {
      ranges.back()["to_bytes"] = size.at("message_bytes");
    } else {
      ranges.push_back({{"algorithm", size.at("fastest")},
                        {"from_bytes", size.at("message_bytes")},
                        {"to_bytes", size.at("message_bytes")}});
    }
  }
  return ranges;
}

Json series_json(const Series& series) {
  Json entry = series.keys;
  entry["algorithms"] = Json::array();
  for (const auto& algorithm : series.algorithms) {
    entry["algorithms"].push_back({{"algorithm", algorithm}, {"peer", !is_tunable(algorithm)}});
  }
  Json sizes = Json::array();
  for (const auto& [bytes, size] : series.sizes) sizes.push_back(size_json(bytes, size));
  entry["sizes"] = std::move(sizes);
  entry["ranges"] = ranges_json(entry["sizes"]);
  return entry;
}

}  // namespace

Json fold_crossover(const std::vector<Json>& planned_rows, const Json& results) {
  std::vector<Series> all_series;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Json& row = results[i];
    if (!is_measured(row) || is_reference(row)) continue;
    const Json keys = keys_of(row);
    auto it =
        std::find_if(all_series.begin(), all_series.end(), [&](const auto& series) { return series.keys == keys; });
    if (it == all_series.end()) it = all_series.insert(all_series.end(), Series{.keys = keys});
    Size& size = add(*it, row);
    size.auto_algorithm = pick_text(planned_rows[i], "auto_algorithm");
    size.auto_source = pick_text(planned_rows[i], "auto_source");
  }
  for (const Json& row : results) {
    if (is_measured(row) && is_reference(row)) add_beside(all_series, row);
  }
  Json crossover = Json::array();
  for (const auto& series : all_series) {
    if (series.algorithms.size() > 1) crossover.push_back(series_json(series));
  }
  return crossover;
}

}  // namespace symmbench
