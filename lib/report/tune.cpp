#include "report/tune.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "config/tuning.hpp"
#include "core/counted.hpp"
#include "core/text.hpp"
#include "report/pick.hpp"
#include "report/write.hpp"
#include "stats/comparison.hpp"

namespace symmbench {
namespace {

constexpr std::uint64_t kMessageStep = 16;  // messages are whole packets
/// What may win above the largest measured size, too.
bool wins_beyond(const std::string& algorithm) { return algorithm != "one_shot"; }

/// Of one row, or the geometric mean over several.
struct TimedBounds {
  double mean_us = 1, low_us = 1, high_us = 1;
};

using BySeries = std::map<std::string, TimedBounds>;
/// By algorithm.
using Contest = std::map<std::string, BySeries>;

struct EntryKey {
  int world_size = 0;
  std::string pattern, dtype;
  auto operator<=>(const EntryKey&) const = default;
};

/// One size, decided or tied.
struct TunedSize {
  std::uint64_t bytes = 0;
  std::map<std::string, TimedBounds> timed;
  std::set<std::string> best;  ///< one: the winner; more: tied
};

struct Entry {
  Json choices;
  std::vector<std::uint64_t> sizes;
  std::size_t ties = 0;
};

TimedBounds timed_of(const Json& time_us) {
  const double mean = time_us.at("mean").get<double>();
  // Without an interval nothing bounds the mean, and the size stays undecided.
  const auto bound = [&](const char* key, double otherwise) {
    return time_us.at(key).is_number() ? std::max(time_us.at(key).get<double>(), mean * 1e-3) : otherwise;
  };
  return {mean, bound("ci95_low", mean * 1e-3), bound("ci95_high", mean * 1e3)};
}

std::string series_of(const Json& row) {
  Json keys = Json::array({row.at("handle").at("asked")});
  for (const char* key : {"workspace", "transport", "allocator", "group", "hidden", "in_place", "tokens", "accumulate",
                          "pdl", "trigger", "buffers_asked"}) {
    keys.push_back(row.at(key));
  }
  return keys.dump();
}

std::map<EntryKey, std::map<std::uint64_t, Contest>> contests_of(const Json& results) {
  std::map<EntryKey, std::map<std::uint64_t, Contest>> contests;
  for (const Json& row : results) {
    if (row.at("status") != "ok" || !row.at("time_us").is_object() || !row.at("message_bytes").is_number()) continue;
    const auto algorithm = text_or(row, "algorithm");
    if (!is_tunable(algorithm)) continue;
    const EntryKey key{integer_or(row, "group_size", 0), text_or(row, "pattern"), text_or(row, "dtype")};
    const TimedBounds timed = timed_of(row.at("time_us"));
    auto& series = contests[key][row.at("message_bytes").get<std::uint64_t>()][algorithm];
    const auto [at, added] = series.emplace(series_of(row), timed);
    if (!added && timed.mean_us < at->second.mean_us) at->second = timed;
  }
  return contests;
}

/// The series in which all algorithms of the contest passed: others would compare allocators, not algorithms.
std::vector<std::string> common_series(const Contest& contest) {
  std::vector<std::string> common;
  for (const auto& [series, timed] : contest.begin()->second) {
    const bool everywhere =
        std::all_of(contest.begin(), contest.end(), [&](const auto& one) { return one.second.contains(series); });
    if (everywhere) common.push_back(series);
  }
  return common;
}

TimedBounds geometric_mean(const BySeries& by_series, const std::vector<std::string>& series) {
  double mean = 0, low = 0, high = 0;
  for (const auto& name : series) {
    const TimedBounds& timed = by_series.at(name);
    mean += std::log(timed.mean_us), low += std::log(timed.low_us), high += std::log(timed.high_us);
  }
  const auto count = static_cast<double>(series.size());
  return {std::exp(mean / count), std::exp(low / count), std::exp(high / count)};
}

std::vector<TunedSize> sizes_of(const std::map<std::uint64_t, Contest>& contests) {
  std::vector<TunedSize> sizes;
  for (const auto& [bytes, contest] : contests) {
    const auto series = common_series(contest);
    if (series.empty()) continue;
    TunedSize size{.bytes = bytes};
    for (const auto& [algorithm, by_series] : contest) size.timed[algorithm] = geometric_mean(by_series, series);
    const auto fastest = std::min_element(size.timed.begin(), size.timed.end(), [](const auto& a, const auto& b) {
                           return a.second.mean_us < b.second.mean_us;
                         })->second;
    for (const auto& [algorithm, timed] : size.timed) {
      const bool same = timed.mean_us <= fastest.mean_us * (1 + kSameWithin);
      if (same || timed.low_us <= fastest.high_us) size.best.insert(algorithm);
    }
    sizes.push_back(std::move(size));
  }
  return sizes;
}

/// Of the tied algorithms of a size without a decided neighbour: the one that is fastest over all sizes that have it.
std::string favourite(const std::vector<TunedSize>& sizes, const std::set<std::string>& tied) {
  std::string best;
  double best_score = std::numeric_limits<double>::infinity();
  for (const auto& algorithm : tied) {
    double score = 0;  // mean logarithm of time over the size's fastest
    std::size_t count = 0;
    for (const auto& size : sizes) {
      const auto timed = size.timed.find(algorithm);
      if (timed == size.timed.end()) continue;
      double fastest = timed->second.mean_us;
      for (const auto& [name, other] : size.timed) fastest = std::min(fastest, other.mean_us);
      score += std::log(timed->second.mean_us / fastest);
      ++count;
    }
    score /= static_cast<double>(count);
    if (score < best_score) best = algorithm, best_score = score;
  }
  return best;
}

std::vector<std::string> winners_of(const std::vector<TunedSize>& sizes) {
  std::vector<std::string> winners;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const auto& best = sizes[i].best;
    if (best.size() == 1) {
      winners.push_back(*best.begin());
      continue;
    }
    if (!winners.empty() && best.contains(winners.back())) {
      winners.push_back(winners.back());
      continue;
    }
    const auto decided = std::find_if(sizes.begin() + static_cast<std::ptrdiff_t>(i), sizes.end(),
                                      [](const TunedSize& size) { return size.best.size() == 1; });
    const bool follows = decided != sizes.end() && best.contains(*decided->best.begin());
    winners.push_back(follows ? *decided->best.begin() : favourite(sizes, best));
  }
  return winners;
}

Entry entry_of(const std::vector<TunedSize>& sizes) {
  const auto winners = winners_of(sizes);
  Entry entry{.choices = Json::array()};
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    entry.sizes.push_back(sizes[i].bytes);
    if (sizes[i].best.size() > 1) ++entry.ties;
    const bool last = i + 1 == sizes.size();
    if (!last && winners[i + 1] == winners[i]) continue;
    Json bound = nullptr;
    if (!last) bound = (sizes[i].bytes + sizes[i + 1].bytes) / 2 / kMessageStep * kMessageStep;
    // Ties alone are no reason to prefer anything beyond what was measured.
    if (last && (!wins_beyond(winners[i]) || entry.ties == sizes.size())) bound = sizes[i].bytes;
    entry.choices.push_back({{"up_to_bytes", bound}, {"algorithm", winners[i]}});
  }
  return entry;
}

Json entry_json(const EntryKey& key, const Entry& entry, const std::vector<std::string>& dtypes, bool for_all) {
  Json json{{"world_size", key.world_size}, {"pattern", key.pattern}};
  if (!for_all) json["dtype"] = key.dtype;
  json["source"] =
      fmt::format("{}: {} from {} to {}, {} of them tied", fmt::join(dtypes, ", "), counted(entry.sizes.size(), "size"),
                  format_bytes(entry.sizes.front()), format_bytes(entry.sizes.back()), entry.ties);
  json["choices"] = entry.choices;
  return json;
}

/// Entries of one rank count and pattern: one for all dtypes where they agree, else one each.
void add_entries(Json& tables, const std::vector<std::pair<EntryKey, Entry>>& by_dtype) {
  const auto& [first_key, first] = by_dtype.front();
  std::vector<std::string> dtypes;
  bool agree = true;
  for (const auto& [key, entry] : by_dtype) {
    dtypes.push_back(key.dtype);
    agree = agree && entry.choices == first.choices;
  }
  if (agree) {
    tables.push_back(entry_json(first_key, first, dtypes, true));
    return;
  }
  for (const auto& [key, entry] : by_dtype) tables.push_back(entry_json(key, entry, {key.dtype}, false));
}

std::string source_text(const Json& report) {
  std::set<std::string> devices, allocators;
  for (const Json& rank : report.at("ranks")) devices.insert(text_or(rank, "gpu_name", "unknown device"));
  for (const Json& row : report.at("results")) allocators.insert(text_or(row, "allocator"));
  return fmt::format("symmbench {} ({}) run --tune, {}, {} ranks, {}; mean times, geometric mean over {}",
                     text_or(report.at("tool"), "version", "?"), text_or(report.at("tool"), "git", "?"),
                     text_or(report.at("run"), "started_at", "?"), report.at("run").at("world_size").dump(),
                     fmt::join(devices, ", "), fmt::join(allocators, " and "));
}

[[noreturn]] void fail(std::string problem) {
  throw Error(
      {.layer = Layer::report, .reason = Reason::invalid_argument, .detail = "no tuning table: " + std::move(problem)});
}

}  // namespace

Json tuning_table(const Json& report, const std::string& family) {
  if (family.empty()) fail("the GPUs differ, or did not say their SM version");
  Json tables = Json::array();
  std::vector<std::pair<EntryKey, Entry>> by_dtype;  // of the rank count and pattern at hand
  for (const auto& [key, contests] : contests_of(report.at("results"))) {
    const auto sizes = sizes_of(contests);
    if (sizes.empty()) continue;
    if (!by_dtype.empty()) {
      const auto& before = by_dtype.front().first;
      if (before.world_size != key.world_size || before.pattern != key.pattern) {
        add_entries(tables, by_dtype);
        by_dtype.clear();
      }
    }
    by_dtype.emplace_back(key, entry_of(sizes));
  }
  if (by_dtype.empty()) fail("at no size did all algorithms pass under one allocator");
  add_entries(tables, by_dtype);
  const Json emulated = pick_flag(report.at("device"), "emulated");
  return {{"description", "Which algorithm is fastest, as measured: symmbench run --algorithm auto --tuning FILE"},
          {"family", family},
          {"emulated", emulated.is_null() || emulated.get<bool>()},
          {"source", source_text(report)},
          {"tables", std::move(tables)}};
}

void write_tuning(const std::string& path, const Json& report, const std::string& family) {
  if (!report.at("run").at("complete").get<bool>()) fail("the run is not complete");
  write_report(path, tuning_table(report, family));
}

}  // namespace symmbench
