#include "report/probe_outcome.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/counted.hpp"
#include "core/error.hpp"
#include "report/pick.hpp"

namespace symmbench {
namespace {

/// A pair that one of its ranks looked at, whatever it saw.
bool looked_at(const Json& pair) { return pick_flag(pair, "access").is_boolean(); }

const Json& trials_of(const Json& report) { return report.at("fabric").at("handle_trials"); }

std::string why_not(const Json& trial) {
  const Json& failure = member_of(trial, "failure");
  if (failure.is_object()) return describe(failure_from_json(failure));
  return text_or(trial, "reason", "not told");
}

/// Each reason once, with what it keeps from being used: allocators and types.
std::vector<std::string> why_no_memory(const Json& report, int group) {
  std::vector<std::pair<std::string, std::vector<std::string>>> reasons;
  for (const Json& trial : trials_of(report)) {
    if (integer_or(trial, "group", -1) != group || trial.at("passed") == true) continue;
    auto why = why_not(trial);
    auto at = std::ranges::find_if(reasons, [&](const auto& one) { return one.first == why; });
    if (at == reasons.end()) at = reasons.insert(at, {std::move(why), {}});
    at->second.push_back(fmt::format("{} by {}", text_or(trial, "allocator"), text_or(trial, "type")));
  }
  std::vector<std::string> texts;
  for (const auto& [why, who] : reasons) texts.push_back(fmt::format("  {}: {}", fmt::join(who, ", "), why));
  return texts.empty() ? std::vector<std::string>{"  no handle type was tried"} : texts;
}

}  // namespace

std::string probe_counts(const Json& report) {
  const Json& probe = report.at("probe");
  const auto count = [](const Json& list, const char* key) {
    return std::ranges::count_if(list, [&](const Json& entry) { return entry.at(key) == true; });
  };
  const Json& trials = trials_of(report);
  const auto tried = std::ranges::count_if(trials, [](const Json& trial) { return !trial.at("passed").is_null(); });
  const auto handles = tried == 0 ? std::string("no handle was tried")
                                  : fmt::format("{} of {} handle trials passed", count(trials, "passed"), tried);
  const auto looked = std::ranges::count_if(probe.at("pairs"), looked_at);
  if (looked == 0) {
    return fmt::format("{}; {}", handles,
                       report.at("ranks").size() == 1 ? "nothing between ranks was tested: there is one"
                                                      : "no pair of ranks was tested");
  }
  return fmt::format("{}, {} of {} pairs reach each other, descriptors reach {} of {} ranks", handles,
                     count(probe.at("pairs"), "access"), looked, count(probe.at("descriptors"), "passed"),
                     probe.at("descriptors").size());
}

std::vector<std::string> untold_pairs(const Json& report) {
  constexpr std::size_t kMost = 6;
  std::vector<std::string> lines;
  std::size_t more = 0;
  for (const Json& pair : report.at("probe").at("pairs")) {
    const Json& failure = member_of(pair, "failure");
    if (looked_at(pair)) continue;
    if (!failure.is_object() || lines.size() == kMost) {
      ++more;
      continue;
    }
    lines.push_back(fmt::format("rank {} did not come back from looking at rank {}: {}", pair.at("rank").dump(),
                                pair.at("peer").dump(), describe(failure_from_json(failure))));
  }
  if (more > 0) lines.push_back(fmt::format("{} not looked at: see probe.pairs[]", counted(more, "more pair")));
  return lines;
}

std::vector<std::string> untested_groups(const Json& report) {
  std::vector<std::string> lines;
  const Json& probe = member_of(report, "probe");
  if (!probe.is_object()) return lines;
  std::map<int, std::set<int>> groups;
  for (const Json& entry : probe.at("groups")) {
    groups[integer_or(entry, "group", 0)].insert(integer_or(entry, "rank", 0));
  }
  for (const auto& [group, ranks] : groups) {
    const bool tested = std::ranges::any_of(probe.at("pairs"), [&](const Json& pair) {
      return looked_at(pair) && ranks.contains(integer_or(pair, "rank", -1));
    });
    if (tested || ranks.size() < 2) continue;
    lines.push_back(fmt::format("not tested: access, latency and copies between the {} of group {}",
                                counted(ranks.size(), "rank"), group));
    for (auto& why : why_no_memory(report, group)) lines.push_back(std::move(why));
  }
  return lines;
}

}  // namespace symmbench
