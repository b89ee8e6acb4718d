#include "report/stability.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>

#include "report/drift.hpp"
#include "report/hung_attempt.hpp"
#include "report/pick.hpp"
#include "stats/statistics.hpp"

namespace symmbench {
namespace {

constexpr std::array<const char*, 9> kLeakKeys{"fds",          "mappings", "handles",   "va_bytes", "va_ranges",
                                               "device_bytes", "threads",  "processes", "shm"};

constexpr std::size_t kParts = 8;  ///< of the lifecycles, one after the other

/// What an entry of stability[] is about.
struct AllocatorSetting {
  std::string workspace, transport, allocator, handle_asked;
  auto operator<=>(const AllocatorSetting&) const = default;
};

AllocatorSetting setting_of(const Json& planned) {
  return {text_or(planned, "workspace"), text_or(planned, "transport"), text_or(planned, "allocator"),
          text_or(planned, "handle_asked")};
}

/// Everything recorded about one setting.
struct AllocatorHistory {
  AllocatorSetting setting;
  std::uint64_t planned_lifecycles = 0;
  std::optional<double> soak_s;     ///< as planned
  Json concurrent;                  ///< as planned; null: not known
  std::vector<std::string> labels;  ///< of the case groups that it belongs to
  std::vector<const LifecycleRecord*> lifecycles;
  std::vector<const WorkspaceRecord*> workspaces;
  std::vector<const FailureRecord*> incidents;
  std::vector<const Failure*> broken_off;  ///< of the rounds that their worker did not survive; incidents too
};

bool about(const AllocatorSetting& setting, const std::string& workspace, const std::string& transport,
           const std::string& allocator, const Json& handle) {
  const Json asked = pick_text(handle, "asked");
  return setting.workspace == workspace && setting.transport == transport && setting.allocator == allocator &&
         (asked.is_null() || asked == setting.handle_asked);
}

AllocatorHistory& open(std::vector<AllocatorHistory>& histories, const Json& planned, std::uint64_t lifecycles) {
  const AllocatorSetting setting = setting_of(planned);
  auto it =
      std::find_if(histories.begin(), histories.end(), [&](const auto& history) { return history.setting == setting; });
  if (it == histories.end()) it = histories.insert(histories.end(), AllocatorHistory{.setting = setting});
  it->planned_lifecycles += lifecycles;
  if (const auto label = text_or(planned, "label"); !label.empty()) it->labels.push_back(label);
  return *it;
}

/// Whose entry a failure outside any case belongs in: the case group that it names, else the first of its allocator.
AllocatorHistory* owner_of(std::vector<AllocatorHistory>& histories, const FailureRecord& failure,
                           const std::string& allocator) {
  AllocatorHistory* first = nullptr;
  for (auto& history : histories) {
    if (history.setting.allocator != allocator) continue;
    if (first == nullptr) first = &history;
    const auto& labels = history.labels;
    if (std::find(labels.begin(), labels.end(), failure.label) != labels.end()) return &history;
  }
  return first;
}

/// Whether one of these allocators hung by itself in the case of `shared`.
bool hung_alone(const RecordSet& records, const FailureRecord& shared, const std::vector<std::string>& names) {
  return std::any_of(records.failures.begin(), records.failures.end(), [&](const FailureRecord& failure) {
    const std::string* culprit = culprit_of(failure);
    return culprit != nullptr && failure.status == "hung" && failure.case_id == shared.case_id &&
           std::find(names.begin(), names.end(), *culprit) != names.end();
  });
}

/// A failure in a planned case shows in the row of its culprit; what no row can show must show as an incident. Where the
/// culprit is known only by what it did when it was alone, its row shows that: no hang, unless it hung then, too.
bool shows_in_a_row(const RecordSet& records, const Outcomes& outcomes, const FailureRecord& failure) {
  if (!failure.case_id) return false;
  const auto& rows = records.started.planned_rows;
  const auto names = outcomes.suspects(failure);
  if (failure.status == "hung" && !hung_alone(records, failure, names)) return false;
  return std::any_of(rows.begin(), rows.end(), [&](const Json& row) {
    return text_or(row, "case_id") == *failure.case_id &&
           std::find(names.begin(), names.end(), text_or(row, "allocator")) != names.end();
  });
}

std::vector<AllocatorHistory> gather(const RecordSet& records, const Outcomes& outcomes) {
  std::vector<AllocatorHistory> histories;
  for (const Json& row : records.started.planned_rows) open(histories, row, 0);
  for (const Json& entry : records.started.planned_lifecycles) {
    const Json count = pick_integer(entry, "lifecycles");
    auto& history = open(histories, entry, count.is_null() ? 0 : count.get<std::uint64_t>());
    history.concurrent = pick_integer(entry, "concurrent");
    const Json soak_s = pick_number(entry, "soak_s");
    if (!soak_s.is_null()) history.soak_s = soak_s.get<double>();
  }
  for (auto& history : histories) {
    for (const auto& cycle : records.lifecycles) {
      if (about(history.setting, cycle.workspace, cycle.transport, cycle.allocator, cycle.handle)) {
        history.lifecycles.push_back(&cycle);
      }
    }
    for (const auto& workspace : records.workspaces) {
      if (about(history.setting, workspace.workspace, workspace.transport, workspace.allocator, workspace.handle)) {
        history.workspaces.push_back(&workspace);
      }
    }
  }
  for (const auto& failure : records.failures) {
    if (shows_in_a_row(records, outcomes, failure)) continue;
    for (const auto& allocator : outcomes.suspects(failure)) {
      AllocatorHistory* owner = owner_of(histories, failure, allocator);
      if (owner == nullptr) continue;
      owner->incidents.push_back(&failure);
      // The cases of a row being out, what is named within a lifecycle group is the round that ended here.
      if (failure.case_id && records.is_lifecycle_label(failure.label)) owner->broken_off.push_back(&failure.failure);
    }
  }
  return histories;
}

/// Figures of one step over all lifecycles; its medians over consecutive parts of those that did not fail stand for
/// placements where two are compared.
Json times_json(const Spread& all, const std::vector<const Spread*>& in_order) {
  std::uint64_t rounds = 0;
  for (const Spread* each : in_order) rounds += each->count();
  Json parts_p50_us = Json::array();
  for (const Spread& part : in_parts(in_order, rounds < 2 * kParts ? rounds : kParts)) {
    parts_p50_us.push_back(part.median());
  }
  return {{"count", all.count()},
          {"p50_us", json_or_null(all.percentile(50))},
          {"p99_us", json_or_null(all.percentile(99))},
          {"max_us", all.count() == 0 ? Json(nullptr) : Json(all.max())},
          {"parts_p50_us", std::move(parts_p50_us)}};
}

Json total_json(const std::vector<const LifecycleRecord*>& lifecycles) {
  Spread all;
  std::vector<const Spread*> in_order;
  for (const auto* cycle : lifecycles) {
    if (cycle->failure) continue;
    all.add(cycle->total_us);
    in_order.push_back(&cycle->total_us);
  }
  return times_json(all, in_order);
}

Json phases_json(const std::vector<const LifecycleRecord*>& lifecycles, const std::vector<const Failure*>& broken_off) {
  struct PhaseFigures {
    Spread spans_us;
    std::vector<const Spread*> in_order;
    std::map<std::string, std::uint64_t> failures;
  };
  std::map<std::string, PhaseFigures> by_phase;
  const auto count_failure = [&](const Failure& failure) {
    if (!failure.phase) return;
    ++by_phase[std::string(name_of(*failure.phase))].failures[std::string(name_of(failure.reason))];
  };
  for (const auto* cycle : lifecycles) {
    for (const auto& [phase, spans_us] : cycle->phase_us) {
      by_phase[phase].spans_us.add(spans_us);
      if (!cycle->failure) by_phase[phase].in_order.push_back(&spans_us);
    }
    if (cycle->failure) count_failure(*cycle->failure);
  }
  for (const auto* failure : broken_off) count_failure(*failure);
  Json list = Json::array();
  for (const Phase phase : kAllPhases) {
    const auto it = by_phase.find(std::string(name_of(phase)));
    if (it == by_phase.end()) continue;
    Json entry{{"phase", it->first}, {"failures", Json::object()}};
    entry.update(times_json(it->second.spans_us, it->second.in_order));
    list.push_back(std::move(entry));
    for (const auto& [reason, count] : it->second.failures) list.back()["failures"][reason] = count;
  }
  return list;
}

/// What stayed behind, summed over lifecycles. The first one of each worker does not count where the group of ranks has
/// others: what it keeps is opened once and for all, while a leak grows with every lifecycle. Null where nothing was
/// counted.
Json leaks_json(const std::vector<const LifecycleRecord*>& lifecycles) {
  std::map<int, std::vector<const LifecycleRecord*>> by_group;
  for (const auto* cycle : lifecycles) by_group[cycle->group].push_back(cycle);
  Json leaks = Json::object();
  for (const char* key : kLeakKeys) {
    std::optional<std::int64_t> grown;
    for (const auto& [group, cycles] : by_group) {
      for (std::size_t i = 0; i < cycles.size(); ++i) {
        const bool first_of_worker = i == 0 || cycles[i]->attempt != cycles[i - 1]->attempt;
        if (first_of_worker && cycles.size() > 1) continue;
        const Json count = pick_integer(cycles[i]->leaks, key);
        if (!count.is_null()) grown = grown.value_or(0) + count.get<std::int64_t>();
      }
    }
    leaks[key] = json_or_null(grown);
  }
  return leaks;
}

std::uint64_t sum_of(const std::vector<const LifecycleRecord*>& lifecycles, std::uint64_t LifecycleRecord::*figure) {
  return std::accumulate(lifecycles.begin(), lifecycles.end(), std::uint64_t{0},
                         [&](std::uint64_t sum, const LifecycleRecord* cycle) { return sum + cycle->*figure; });
}

/// How long lifecycles went on, and in which the group of ranks that was at it for the shortest time. Null where nothing
/// was asked for by time.
Json soak_json(const AllocatorHistory& history) {
  if (!history.soak_s) return nullptr;
  std::map<int, double> passed_s;
  std::string started_at, ended_at;
  for (const auto* cycle : history.lifecycles) {
    double& longest = passed_s[cycle->group];
    longest = std::max(longest, cycle->passed_s);
    if (started_at.empty() || cycle->started_at < started_at) started_at = cycle->started_at;
    ended_at = std::max(ended_at, cycle->ended_at);
  }
  Json soak{{"planned_s", *history.soak_s},
            {"ran_s", 0},
            {"started_at", started_at.empty() ? Json(nullptr) : Json(started_at)},
            {"ended_at", ended_at.empty() ? Json(nullptr) : Json(ended_at)}};
  const auto shortest = std::min_element(passed_s.begin(), passed_s.end(),
                                         [](const auto& a, const auto& b) { return a.second < b.second; });
  if (shortest != passed_s.end()) soak["ran_s"] = shortest->second;
  return soak;
}

/// Spread within rows: coefficient of variation of each row's samples, its median and its largest.
Json jitter_json(const std::vector<const Json*>& rows) {
  std::vector<double> variations;
  for (const Json* row : rows) {
    const Json& time = row->at("time_us");
    if (row->at("status") != "ok" || !time.is_object() || time.at("stdev").is_null()) continue;
    const double mean_us = time.at("mean").get<double>();
    if (mean_us > 0) variations.push_back(time.at("stdev").get<double>() / mean_us);
  }
  if (variations.empty()) return nullptr;
  const double largest = *std::max_element(variations.begin(), variations.end());
  return {{"rows", variations.size()}, {"cv_p50", percentile(variations, 50).value_or(largest)}, {"cv_max", largest}};
}

Json segments_json(const Json& segment) {
  Json json{{"name", pick_text(segment, "name")}};
  for (const char* key : {"requested_bytes", "allocated_bytes", "granularity_bytes", "data_offset", "signal_pad_offset",
                          "signal_pad_bytes", "va_bytes"}) {
    json[key] = pick_integer(segment, key);
  }
  json["va_layout"] = pick_text(segment, "va_layout");
  return json;
}

/// Calls of the first workspace brought up; later ones repeat them.
void add_workspace_facts(Json& entry, const std::vector<const WorkspaceRecord*>& workspaces) {
  entry["segments"] = entry["driver_calls"] = entry["differences"] = Json::array();
  if (workspaces.empty()) return;
  const WorkspaceRecord& first = *workspaces.front();
  for (const Json& segment : first.segments) entry["segments"].push_back(segments_json(segment));
  for (const Json& call : first.driver_calls) {
    entry["driver_calls"].push_back({{"call", pick_text(call, "call")},
                                     {"count", pick_integer(call, "count")},
                                     {"failures", pick_integer(call, "failures")},
                                     {"total_us", pick_number(call, "total_us")}});
  }
  for (const Json& difference : first.differences) {
    entry["differences"].push_back({{"upstream", pick_text(difference, "upstream")},
                                    {"here", pick_text(difference, "here")},
                                    {"reason", pick_text(difference, "reason")}});
  }
}

Json handle_json(const AllocatorHistory& history, const std::vector<const Json*>& rows) {
  std::vector<Json> seen;
  for (const auto* workspace : history.workspaces) seen.push_back(workspace->handle);
  for (const auto* cycle : history.lifecycles) seen.push_back(cycle->handle);
  for (const Json* row : rows) seen.push_back(row->at("handle"));
  const auto used =
      std::find_if(seen.begin(), seen.end(), [](const Json& handle) { return !pick_text(handle, "used").is_null(); });
  const auto explained =
      std::find_if(seen.begin(), seen.end(), [](const Json& handle) { return !pick_text(handle, "reason").is_null(); });
  Json handle = pick_choice(used != seen.end() ? *used : explained != seen.end() ? *explained : Json(nullptr));
  handle["asked"] = history.setting.handle_asked;
  return handle;
}

Json incidents_json(const std::vector<const FailureRecord*>& incidents) {
  Json list = Json::array();
  for (const auto* incident : incidents) {
    list.push_back({{"group", incident->group},
                    {"attempt", incident->attempt},
                    {"case_id", json_or_null(incident->case_id)},
                    {"label", incident->label},
                    {"allocators", incident->allocators},
                    {"status", incident->status == "hung" ? "hung" : "failed"},
                    {"failure", to_json(incident->failure)}});
  }
  return list;
}

bool plans_for(const RunStarted& started, const std::string& allocator) {
  const auto names_it = [&](const Json& planned) { return text_or(planned, "allocator") == allocator; };
  return std::any_of(started.planned_rows.begin(), started.planned_rows.end(), names_it) ||
         std::any_of(started.planned_lifecycles.begin(), started.planned_lifecycles.end(), names_it);
}

}  // namespace

bool ran_as_planned(const Json& entry) {
  const Json soak = pick_object(entry, "soak");
  return entry.at("lifecycles") >= entry.at("lifecycles_planned") &&
         (soak.is_null() || soak.at("ran_s") >= soak.at("planned_s"));
}

std::string lifecycles_that_ran(const Json& entry) {
  const auto ran = entry.at("lifecycles").get<std::uint64_t>();
  const Json soak = pick_object(entry, "soak");
  if (soak.is_null()) return fmt::format("{} of {}", ran, entry.at("lifecycles_planned").get<std::uint64_t>());
  return fmt::format("{} in {:.3g} of {:.4g} s", ran, soak.at("ran_s").get<double>(),
                     soak.at("planned_s").get<double>());
}

std::string workspace_text(const Json& entries, const Json& entry) {
  const auto workspace = text_or(entry, "workspace", "?"), transport = text_or(entry, "transport", "?");
  const bool several =
      std::ranges::any_of(entries, [&](const Json& other) { return text_or(other, "transport", "?") != transport; });
  return several ? fmt::format("{} by {}", workspace, transport) : workspace;
}

Json fold_run_incidents(const RecordSet& records, const Outcomes& outcomes) {
  std::vector<const FailureRecord*> unowned;
  for (const auto& failure : records.failures) {
    if (shows_in_a_row(records, outcomes, failure)) continue;
    const auto names = outcomes.suspects(failure);
    const bool owned = std::any_of(names.begin(), names.end(),
                                   [&](const auto& allocator) { return plans_for(records.started, allocator); });
    if (!owned) unowned.push_back(&failure);
  }
  return incidents_json(unowned);
}

Json fold_stability(const RecordSet& records, const Outcomes& outcomes, const Json& results) {
  Json entries = Json::array();
  for (const auto& history : gather(records, outcomes)) {
    std::vector<const Json*> rows;
    for (const Json& row : results) {
      if (about(history.setting, text_or(row, "workspace"), text_or(row, "transport"), text_or(row, "allocator"),
                row.at("handle"))) {
        rows.push_back(&row);
      }
    }
    const auto hung_rows = std::count_if(rows.begin(), rows.end(), [](const Json* row) { return ever_hung(*row); });
    const auto hung_incidents = std::count_if(history.incidents.begin(), history.incidents.end(),
                                              [](const auto* incident) { return incident->status == "hung"; });
    const auto failed = std::count_if(history.lifecycles.begin(), history.lifecycles.end(),
                                      [](const auto* cycle) { return cycle->failure.has_value(); });
    Json entry{{"workspace", history.setting.workspace},
               {"transport", history.setting.transport},
               {"allocator", history.setting.allocator},
               {"handle", handle_json(history, rows)},
               {"lifecycles_planned", history.planned_lifecycles},
               {"lifecycles", sum_of(history.lifecycles, &LifecycleRecord::count) + history.broken_off.size()},
               {"concurrent", history.concurrent},
               {"retries", sum_of(history.lifecycles, &LifecycleRecord::retries)},
               {"reattached", sum_of(history.lifecycles, &LifecycleRecord::reattached)},
               {"refused", sum_of(history.lifecycles, &LifecycleRecord::refused)},
               {"failed", failed + static_cast<std::ptrdiff_t>(history.broken_off.size())},
               {"first_failure", nullptr},
               {"phases", phases_json(history.lifecycles, history.broken_off)},
               {"total", total_json(history.lifecycles)},
               {"leaks", leaks_json(history.lifecycles)},
               {"soak", soak_json(history)},
               {"drift", fold_drift(history.lifecycles)},
               {"jitter", jitter_json(rows)},
               {"hangs", hung_rows + hung_incidents},
               {"incidents", incidents_json(history.incidents)}};
    for (const auto* cycle : history.lifecycles) {
      if (cycle->failure && entry["first_failure"].is_null()) entry["first_failure"] = to_json(*cycle->failure);
    }
    if (entry["first_failure"].is_null() && !history.broken_off.empty()) {
      entry["first_failure"] = to_json(*history.broken_off.front());
    }
    add_workspace_facts(entry, history.workspaces);
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace symmbench
