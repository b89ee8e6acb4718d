#include "report/record_set.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_set>

#include "report/pick.hpp"

namespace symmbench {
namespace {

/// Sorts by `key`; what the key does not decide, the record's text does.
template <class Record, class Key>
void sort_by(std::vector<Record>& records, Key key) {
  std::vector<std::pair<std::string, Record>> keyed;
  for (auto& record : records) {
    std::string text = to_json(record).dump(-1, ' ', false, Json::error_handler_t::replace);
    keyed.emplace_back(std::move(text), std::move(record));
  }
  std::sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    const auto key_a = key(a.second), key_b = key(b.second);
    return key_a != key_b ? key_a < key_b : a.first < b.first;
  });
  records.clear();
  for (auto& [text, record] : keyed) records.push_back(std::move(record));
}

bool is_planned(const RunStarted& started, const RowRecord& row) {
  return std::any_of(started.planned_rows.begin(), started.planned_rows.end(), [&](const Json& planned) {
    return text_or(planned, "case_id") == row.case_id && text_or(planned, "allocator") == row.allocator;
  });
}

/// A failed row that nobody planned has no place in results[]; as a failure it still shows.
void keep_stray_failures(RecordSet& set) {
  for (const auto& row : set.rows) {
    if (row.status == "ok" || row.status == "skipped" || is_planned(set.started, row)) continue;
    const Failure unexplained{.layer = Layer::verify,
                              .detail = row.reason.value_or("a row that was not planned failed")};
    set.failures.push_back({.group = row.group,
                            .attempt = row.attempt,
                            .case_id = row.case_id,
                            .allocators = {row.allocator},
                            .alone = true,
                            .status = row.status,
                            .failure = row.failure.value_or(unexplained)});
  }
}

/// Every failure there is, wherever it is kept.
void locate_all(RecordSet& set) {
  for (RowRecord& row : set.rows) {
    if (row.failure) locate(*row.failure, set);
  }
  for (FailureRecord& failure : set.failures) locate(failure.failure, set);
  for (LifecycleRecord& cycle : set.lifecycles) {
    if (cycle.failure) locate(*cycle.failure, set);
  }
  for (HandleTrialRecord& trial : set.handle_trials) {
    if (trial.failure) locate(*trial.failure, set);
  }
}

}  // namespace

void locate(Failure& failure, const RecordSet& set) {
  const auto found = failure.rank ? set.rank_facts.find(*failure.rank) : set.rank_facts.end();
  if (found == set.rank_facts.end()) return;
  if (failure.host.empty()) failure.host = text_or(found->second, "host");
  const Json devices = member(found->second, "devices");
  if (!failure.gpu.empty() || !devices.is_array()) return;
  const auto kind = text_or(set.started.device, "kind");
  for (const Json& device : devices) {
    if (text_or(device, "kind") == kind) failure.gpu = text_or(device, "uuid");
  }
}

bool RecordSet::is_lifecycle_label(const std::string& label) const {
  return std::any_of(started.planned_lifecycles.begin(), started.planned_lifecycles.end(),
                     [&](const Json& entry) { return text_or(entry, "label") == label; });
}

namespace {

/// A probe tells what is new: lists grow, anything else is what was told last.
void add_probe(Json& known, Json told) {
  if (!told.is_object()) return;
  if (!known.is_object()) known = Json::object();
  for (auto& [key, value] : told.items()) {
    Json& before = known[key];
    if ((key == "pairs" || key == "received") && before.is_array() && value.is_array()) {
      before.insert(before.end(), value.begin(), value.end());
    } else {
      before = std::move(value);
    }
  }
}

}  // namespace

void add_record(RecordSet& set, const Json& record) {
  const auto type = type_of(record);
  if (type == "run_started" && !set.planned) {
    set.started = run_started_from(record);
    set.planned = true;
  }
  if (type == "rank") {
    auto facts = rank_facts_from(record);
    set.rank_facts[facts.rank] = std::move(facts.facts);
  }
  if (type == "row") {
    set.rows.push_back(row_from(record));
    if (set.rows.back().failure) locate(*set.rows.back().failure, set);
  }
  if (type == "failure") {
    auto failed = failure_record_from(record);
    if (failed.label == kBisectLabel) return;  // a smaller group's, which its bisection tells
    set.failures.push_back(std::move(failed));
    locate(set.failures.back().failure, set);
  }
  if (type == "lifecycle") set.lifecycles.push_back(lifecycle_from(record));
  if (type == "workspace") set.workspaces.push_back(workspace_from(record));
  if (type == "floors") set.floors.push_back(floors_from(record));
  if (type == "link_times") set.link_times.push_back(link_times_from(record));
  if (type == "handle_trial") {
    set.handle_trials.push_back(handle_trial_from(record));
    if (set.handle_trials.back().failure) locate(*set.handle_trials.back().failure, set);
  }
  if (type == "probe") {
    auto probe = probe_from(record);
    add_probe(set.probes[probe.rank], std::move(probe.data));
  }
  if (type == "device_sample") set.samples.push_back(device_sample_from(record));
  if (type == "kernel_log") set.kernel_logs.push_back(kernel_log_from(record));
  if (type == "bisect") {
    auto bisection = bisect_from(record);
    set.bisections[bisection.group] = std::move(bisection.data);
  }
  if (type == "event") {
    auto event = event_from(record);
    if (!event.data.is_object() || text_or(event.data, "label") != kBisectLabel) set.events.push_back(std::move(event));
  }
  if (type == "run_ended") set.ended = run_ended_from(record);
}

RecordSet sort_records(std::span<const Json> records) {
  RecordSet set;
  std::unordered_set<std::string> seen;
  for (const Json& record : records) {
    if (!seen.insert(record.dump(-1, ' ', false, Json::error_handler_t::replace)).second) continue;
    try {
      add_record(set, record);
    } catch (const Error& error) {
      // One bad record must not cost the report of all the others.
      set.events.push_back({.what = std::string(kUnreadableRecord), .detail = error.failure().detail, .data = nullptr});
    }
  }
  if (!set.planned) {
    throw Error(
        {.layer = Layer::report,
         .reason = Reason::invalid_argument,
         .detail = "the records hold no 'run_started': the journal of rank 0 is missing or was cut off at once"});
  }
  keep_stray_failures(set);
  locate_all(set);
  sort_by(set.rows, [](const RowRecord& row) { return std::tuple(row.group, row.attempt); });
  sort_by(set.failures, [](const FailureRecord& failure) { return std::tuple(failure.group, failure.attempt); });
  sort_by(set.lifecycles,
          [](const LifecycleRecord& cycle) { return std::tuple(cycle.group, cycle.attempt, cycle.iteration); });
  sort_by(set.workspaces, [](const WorkspaceRecord& workspace) { return std::tuple(workspace.group); });
  sort_by(set.samples, [](const DeviceSampleRecord& sample) { return std::tuple(sample.rank, sample.label); });
  sort_by(set.floors, [](const FloorsRecord& floors) { return std::tuple(floors.group); });
  return set;
}

}  // namespace symmbench
