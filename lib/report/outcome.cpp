#include "report/outcome.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "report/pick.hpp"

namespace symmbench {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool json_contains(const Json& list, const std::string& name) {
  return list.is_array() && std::find(list.begin(), list.end(), Json(name)) != list.end();
}

bool is_failure(const Attempt& attempt) { return attempt.status == "failed" || attempt.status == "hung"; }

/// An ok row that counted wrong elements contradicts itself; the data decides.
std::string status_of(const RowRecord& row) {
  if (row.status == "ok" && row.wrong_elements > 0) return "failed";
  const bool known = row.status == "ok" || row.status == "failed" || row.status == "skipped" || row.status == "hung";
  return known ? row.status : "failed";
}

std::optional<Failure> failure_of(const RowRecord& row) {
  if (row.failure || status_of(row) == "ok" || status_of(row) == "skipped") return row.failure;
  return Failure{.layer = Layer::verify,
                 .reason = row.wrong_elements > 0 ? Reason::wrong_data : Reason::internal,
                 .detail = row.wrong_elements > 0 ? fmt::format("{} wrong elements", row.wrong_elements)
                                                  : row.reason.value_or("the row failed without saying why"),
                 .phase = Phase::verify};
}

/// The attempt to show: the first of the worst status, those of `preferred` before the others.
/// @pre one of the lists holds a failure
const Attempt& worst(const std::vector<Attempt>& preferred, const std::vector<Attempt>& others) {
  for (const char* status : {"hung", "failed"}) {
    for (const auto* list : {&preferred, &others}) {
      for (const Attempt& attempt : *list) {
        if (attempt.status == status) return attempt;
      }
    }
  }
  return preferred.empty() ? others.front() : preferred.front();
}

Attempt attempt_of(const FailureRecord& failure) {
  return {failure.attempt, failure.alone, failure.status == "hung" ? "hung" : "failed", failure.failure, std::nullopt};
}

std::vector<Attempt> by_attempt(std::vector<Attempt> own, const std::vector<Attempt>& shared) {
  own.insert(own.end(), shared.begin(), shared.end());
  std::stable_sort(own.begin(), own.end(), [](const Attempt& a, const Attempt& b) { return a.attempt < b.attempt; });
  return own;
}

void take_failure(RowOutcome& outcome, const Attempt& attempt) {
  outcome.status = attempt.status;
  outcome.failure = attempt.failure;
  if (!attempt.failure) return;
  // A row that only repeats the failure's detail leaves out rank and phase; one that says more keeps its words.
  const bool says_more = attempt.reason && *attempt.reason != attempt.failure->detail;
  outcome.reason = says_more ? *attempt.reason : describe(*attempt.failure);
}

}  // namespace

bool by_itself(const FailureRecord& failure) { return failure.alone || failure.allocators.size() == 1; }

Outcomes::Outcomes(const RecordSet& records) : records_(records) {}

bool Outcomes::failed_by_itself(const std::string& case_id, const std::string& allocator) const {
  const bool row_failed = std::any_of(records_.rows.begin(), records_.rows.end(), [&](const RowRecord& row) {
    return row.case_id == case_id && row.allocator == allocator && status_of(row) != "ok" &&
           status_of(row) != "skipped";
  });
  return row_failed ||
         std::any_of(records_.failures.begin(), records_.failures.end(), [&](const FailureRecord& failure) {
           return failure.case_id == case_id && by_itself(failure) && contains(failure.allocators, allocator);
         });
}

bool Outcomes::explained(const FailureRecord& shared_failure, const std::string& allocator) const {
  if (by_itself(shared_failure)) return false;
  return std::any_of(shared_failure.allocators.begin(), shared_failure.allocators.end(), [&](const std::string& other) {
    if (other == allocator) return false;
    if (shared_failure.case_id) return failed_by_itself(*shared_failure.case_id, other);
    return std::any_of(records_.failures.begin(), records_.failures.end(), [&](const FailureRecord& failure) {
      return !failure.case_id && failure.group == shared_failure.group && failure.label == shared_failure.label &&
             by_itself(failure) && contains(failure.allocators, other);
    });
  });
}

std::vector<std::string> Outcomes::suspects(const FailureRecord& failure) const {
  std::vector<std::string> names;
  for (const auto& allocator : failure.allocators) {
    if (!explained(failure, allocator)) names.push_back(allocator);
  }
  return names;
}

RowOutcome Outcomes::of(const Json& planned_row) const {
  const Key key{.case_id = text_or(planned_row, "case_id"),
                .allocator = text_or(planned_row, "allocator"),
                .label = text_or(planned_row, "label"),
                .group = integer_or(planned_row, "group", 0)};
  RowOutcome outcome;
  std::vector<Attempt> own, shared;
  const RowRecord* passed = nullptr;
  bool passed_alone = false, all_explained = true;
  for (const auto& row : records_.rows) {
    if (row.case_id != key.case_id || row.allocator != key.allocator) continue;
    own.push_back({row.attempt, row.alone, status_of(row), failure_of(row), row.reason});
    outcome.measured = &row;
    if (own.back().status != "ok") continue;
    passed = &row;
    passed_alone = passed_alone || row.alone;
  }
  for (const auto& failure : records_.failures) {
    if (failure.case_id != key.case_id || !contains(failure.allocators, key.allocator)) continue;
    (by_itself(failure) ? own : shared).push_back(attempt_of(failure));
    all_explained = all_explained && (by_itself(failure) || explained(failure, key.allocator));
  }
  if (own.empty() && shared.empty()) return undecided(key, planned_row);

  outcome.attempts = by_attempt(own, shared);
  if (std::any_of(own.begin(), own.end(), is_failure)) {
    take_failure(outcome, worst(own, shared));
  } else if (shared.empty()) {
    outcome.status = outcome.measured->status;
    outcome.reason = outcome.measured->reason;
    outcome.failure = outcome.measured->failure;
    if (own.size() == 1) outcome.attempts.clear();
  } else if (!all_explained) {
    take_failure(outcome, worst({}, shared));
    outcome.reason = passed_alone ? "failed when interleaved, passed alone" : "failed when interleaved, not run alone";
  } else if (passed != nullptr) {
    outcome.status = "ok";
    outcome.measured = passed;
    outcome.reason = "another allocator failed beside it; this one passed";
  } else {
    outcome.status = "not_tested";
    outcome.reason = "another allocator failed beside it; it was not run again by itself";
  }
  return outcome;
}

RowOutcome Outcomes::undecided(const Key& key, const Json& planned_row) const {
  if (const Json skip = pick_text(planned_row, "skip"); !skip.is_null()) {
    return {.status = "skipped", .reason = skip.get<std::string>()};
  }
  if (auto failed = failed_bring_up(key)) return *failed;
  for (const auto& event : records_.events) {
    if (event.what != "group_skipped" || event.group != key.group) continue;
    // Without data the whole group of ranks was given up.
    const bool listed = !event.data.is_object() || (json_contains(member(event.data, "case_ids"), key.case_id) &&
                                                    json_contains(member(event.data, "allocators"), key.allocator));
    if (listed) return {.status = "skipped", .reason = event.detail};
  }
  return {.status = "not_tested", .reason = why_not_tested()};
}

std::optional<RowOutcome> Outcomes::failed_bring_up(const Key& key) const {
  std::vector<Attempt> own, shared;
  for (const auto& failure : records_.failures) {
    if (!covers(failure, key) || explained(failure, key.allocator)) continue;
    (by_itself(failure) ? own : shared).push_back(attempt_of(failure));
  }
  if (own.empty() && shared.empty()) return std::nullopt;
  RowOutcome outcome{.attempts = by_attempt(own, shared)};
  take_failure(outcome, worst(own, shared));
  return outcome;
}

bool Outcomes::covers(const FailureRecord& failure, const Key& key) const {
  if (failure.case_id || failure.group != key.group || !contains(failure.allocators, key.allocator)) return false;
  if (failure.label.empty()) return true;
  if (!key.label.empty()) return failure.label == key.label;
  if (records_.is_lifecycle_label(failure.label)) return false;
  // The plan does not say which case group the row belongs to; the coordinator's events may.
  bool label_known = false;
  for (const auto& event : records_.events) {
    if (!event.data.is_object() || text_or(event.data, "label") != failure.label) continue;
    label_known = true;
    if (json_contains(member(event.data, "case_ids"), key.case_id)) return true;
  }
  return !label_known;
}

std::string Outcomes::why_not_tested() const {
  if (!records_.ended) return "the run was killed before this case: its journal has no end";
  if (records_.ended->interrupted_by) {
    // What machine facts forbid is long and the same for every row: saying it once is clearer.
    if (records_.nothing_ran()) return "nothing was run: run.interrupted_by says why";
    return fmt::format("the run ended before this case: {}", *records_.ended->interrupted_by);
  }
  return "the run ended without a record of this case";
}

}  // namespace symmbench
