#include "findings/report_facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace symmbench {
namespace {

const Json& null_json() {
  static const Json null = nullptr;
  return null;
}

void add(std::vector<RecordedFailure>& all, const Json& failure, std::string where, std::string allocator,
         std::string status) {
  if (!failure.is_object()) return;
  all.push_back(
      {.failure = &failure, .where = std::move(where), .allocator = std::move(allocator), .status = std::move(status)});
}

}  // namespace

const Json& in(const Json& json, std::string_view key) {
  if (!json.is_object()) return null_json();
  const auto at = json.find(key);
  return at == json.end() ? null_json() : *at;
}

std::string text_in(const Json& json, std::string_view key) {
  const Json& value = in(json, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::vector<const Json*> list_in(const Json& json, std::string_view key) {
  std::vector<const Json*> elements;
  const Json& list = in(json, key);
  if (!list.is_array()) return elements;
  for (const Json& element : list) elements.push_back(&element);
  return elements;
}

std::vector<ReportedRank> ranks_of(const Json& report) {
  const auto kind = text_in(in(report, "device"), "kind");
  const Json& size = in(in(report, "run"), "group_size");
  const int group_size = size.is_number_integer() ? std::max(1, size.get<int>()) : 1;
  std::vector<ReportedRank> ranks;
  for (const Json* facts : list_in(report, "ranks")) {
    if (!in(*facts, "host").is_string() || !in(*facts, "rank").is_number_integer()) continue;
    const int rank = in(*facts, "rank").get<int>();
    ReportedRank view{.rank = rank, .group = rank / group_size, .facts = facts, .device = &null_json()};
    for (const Json* device : list_in(*facts, "devices")) {
      if (text_in(*device, "kind") == kind) view.device = device;
    }
    ranks.push_back(view);
  }
  return ranks;
}

std::string entity_of(const ReportedRank& rank) { return fmt::format("rank {}", rank.rank); }

bool another_type_passed(const Json& report, const Json& trial) {
  const auto trials = list_in(in(report, "fabric"), "handle_trials");
  return std::any_of(trials.begin(), trials.end(), [&](const Json* other) {
    return in(*other, "passed") == true && in(*other, "group") == in(trial, "group") &&
           in(*other, "allocator") == in(trial, "allocator") && in(*other, "type") != in(trial, "type");
  });
}

namespace {

/// Ranks of a group on several machines, between which no descriptor can travel.
bool on_several_machines(const Json& report, int group) {
  std::set<std::string> machines;
  for (const auto& rank : ranks_of(report)) {
    if (rank.group == group) machines.insert(text_in(*rank.facts, "boot_id"));
  }
  return machines.size() > 1;
}

/// What the ranks of a probe met after the handle trials.
void add_probed(std::vector<RecordedFailure>& all, const Json& report) {
  const Json& probe = in(report, "probe");
  const auto ranks = ranks_of(report);
  for (const Json* test : list_in(probe, "descriptors")) {
    const Json& failure = in(*test, "failure");
    const auto at = std::ranges::find_if(ranks, [&](const auto& rank) { return in(*test, "rank") == rank.rank; });
    if (text_in(failure, "reason") == "not_supported" && at != ranks.end() && on_several_machines(report, at->group)) {
      continue;
    }
    add(all, failure, "probe: descriptors", "", "failed");
  }
  for (const Json* pair : list_in(probe, "pairs")) {
    add(all, in(*pair, "failure"),
        fmt::format("probe: rank {} looks at rank {}", in(*pair, "rank").dump(), in(*pair, "peer").dump()), "",
        "failed");
  }
}

}  // namespace

std::vector<RecordedFailure> failures_of(const Json& report) {
  std::vector<RecordedFailure> all;
  for (const Json* row : list_in(report, "results")) {
    const auto where = text_in(*row, "case_id"), allocator = text_in(*row, "allocator");
    // What interrupted a row is no doing of the allocator under it.
    const auto of_row = [&](const Json& tried) {
      const auto status = text_in(tried, "status");
      add(all, in(tried, "failure"), where, status == "interrupted" ? "" : allocator, status);
    };
    of_row(*row);
    for (const Json* attempt : list_in(*row, "attempts")) of_row(*attempt);
  }
  for (const Json* entry : list_in(report, "stability")) {
    const auto allocator = text_in(*entry, "allocator");
    add(all, in(*entry, "first_failure"), "lifecycle", allocator, "failed");
    for (const Json* incident : list_in(*entry, "incidents")) {
      add(all, in(*incident, "failure"), "lifecycle", allocator, text_in(*incident, "status"));
    }
  }
  for (const Json* incident : list_in(in(report, "run"), "incidents")) {
    add(all, in(*incident, "failure"), text_in(*incident, "label"), "", text_in(*incident, "status"));
  }
  for (const Json* trial : list_in(in(report, "fabric"), "handle_trials")) {
    if (!in(*trial, "failure").is_object()) continue;
    all.push_back({.failure = &in(*trial, "failure"),
                   .where = "handle trial of " + text_in(*trial, "type"),
                   .allocator = text_in(*trial, "allocator"),
                   .replaced = another_type_passed(report, *trial)});
  }
  add_probed(all, report);
  return all;
}

Json by_rank(const std::vector<ReportedRank>& ranks, const std::vector<Json>& values) {
  Json object = Json::object();
  for (std::size_t i = 0; i < ranks.size(); ++i) object[std::to_string(ranks[i].rank)] = values[i];
  return object;
}

}  // namespace symmbench
