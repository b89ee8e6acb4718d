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
bool is_interruption(const Attempt& attempt) { return attempt.status == "interrupted"; }

/// An ok row that counted wrong elements contradicts itself; the data decides.
std::string status_of(const RowRecord& row) {
  if (row.status == "ok" && row.wrong_elements > 0) return "failed";
  const bool known = row.status == "ok" || row.status == "failed" || row.status == "skipped" || row.status == "hung";
  return known ? row.status : "failed";
}

/// With the row's allocator, whose failure it is.
std::optional<Failure> failure_of(const RowRecord& row) {
  std::optional<Failure> failure = row.failure;
  if (!failure && status_of(row) != "ok" && status_of(row) != "skipped") {
    failure = Failure{.layer = Layer::verify,
                      .reason = row.wrong_elements > 0 ? Reason::wrong_data : Reason::internal,
                      .detail = row.wrong_elements > 0 ? fmt::format("{} wrong elements", row.wrong_elements)
                                                       : row.reason.value_or("the row failed without saying why"),
                      .phase = Phase::verify};
  }
  if (failure && failure->allocator.empty()) failure->allocator = row.allocator;
  return failure;
}

/// As it was for `allocator`: its own failure, or one beside which it was interrupted.
Attempt attempt_of(const FailureRecord& failure, const std::string& allocator) {
  const std::string* culprit = culprit_of(failure);
  const std::string own = failure.status == "hung" ? "hung" : "failed";
  const bool guilty = culprit != nullptr && *culprit == allocator;
  Attempt attempt{failure.attempt, failure.alone, guilty ? own : "interrupted", failure.failure, std::nullopt};
  if (guilty) attempt.failure->allocator = allocator;
  return attempt;
}

void sort_by_attempt(std::vector<Attempt>& attempts) {
  std::stable_sort(attempts.begin(), attempts.end(),
                   [](const Attempt& a, const Attempt& b) { return a.attempt < b.attempt; });
}

const Attempt* first_with(const std::vector<Attempt>& attempts, bool (*holds)(const Attempt&)) {
  const auto found = std::find_if(attempts.begin(), attempts.end(), holds);
  return found == attempts.end() ? nullptr : &*found;
}

void take_failure(RowOutcome& outcome, const Attempt& attempt) {
  outcome.status = attempt.status;
  outcome.failure = attempt.failure;
  if (!attempt.failure) return;
  // A row that only repeats the failure's detail leaves out rank and phase; one that says more keeps its words.
  const bool says_more = attempt.reason && *attempt.reason != attempt.failure->detail;
  outcome.reason = says_more ? *attempt.reason : describe(*attempt.failure);
}

/// Who ended the attempt in which a row was interrupted.
std::string ended_by(const Attempt& attempt) {
  if (!attempt.failure) return "something ended the attempt";
  const auto& allocator = attempt.failure->allocator;
  return allocator.empty() ? "what ended the attempt is no allocator's in particular: " + describe(*attempt.failure)
                           : fmt::format("{} failed beside it: {}", allocator, describe(*attempt.failure));
}

void take_interruption(RowOutcome& outcome, const Attempt& attempt) {
  outcome.status = "interrupted";
  outcome.failure = attempt.failure;
  outcome.reason = ended_by(attempt) + "; it was not run again by itself";
}

}  // namespace

const std::string* culprit_of(const FailureRecord& failure) {
  if (failure.failure.layer == Layer::supervisor) return nullptr;  // nothing of an allocator runs there
  const auto& in_play = failure.allocators;
  const auto named = std::find(in_play.begin(), in_play.end(), failure.failure.allocator);
  if (named != in_play.end()) return &*named;
  return in_play.size() == 1 ? &in_play.front() : nullptr;
}

Outcomes::Outcomes(const RecordSet& records) : records_(records) {}

/// A row that never ran explains nothing: what could not be brought up took no part in what failed.
bool Outcomes::failed_by_itself(const FailureRecord& shared_failure, const std::string& allocator) const {
  const auto& case_id = shared_failure.case_id;
  const bool row_failed = std::any_of(records_.rows.begin(), records_.rows.end(), [&](const RowRecord& row) {
    return row.case_id == case_id && row.allocator == allocator && !row.blocks.empty() && status_of(row) == "failed";
  });
  return row_failed ||
         std::any_of(records_.failures.begin(), records_.failures.end(), [&](const FailureRecord& failure) {
           const std::string* culprit = culprit_of(failure);
           return culprit != nullptr && *culprit == allocator && failure.case_id == case_id &&
                  (case_id || (failure.group == shared_failure.group && failure.label == shared_failure.label));
         });
}

std::vector<std::string> Outcomes::suspects(const FailureRecord& failure) const {
  if (const std::string* culprit = culprit_of(failure)) return {*culprit};
  std::vector<std::string> names;
  for (const auto& allocator : failure.allocators) {
    if (failed_by_itself(failure, allocator)) names.push_back(allocator);
  }
  return names;
}

RowOutcome Outcomes::of(const Json& planned_row) const {
  const Key key{.case_id = text_or(planned_row, "case_id"),
                .allocator = text_or(planned_row, "allocator"),
                .label = text_or(planned_row, "label"),
                .group = integer_or(planned_row, "group", 0)};
  RowOutcome outcome;
  std::vector<Attempt> attempts;
  const RowRecord* passed = nullptr;
  for (const auto& row : records_.rows) {
    if (row.case_id != key.case_id || row.allocator != key.allocator) continue;
    attempts.push_back({row.attempt, row.alone, status_of(row), failure_of(row), row.reason});
    outcome.measured = &row;
    if (attempts.back().status == "ok") passed = &row;
  }
  for (const auto& failure : records_.failures) {
    if (failure.case_id != key.case_id || !contains(failure.allocators, key.allocator)) continue;
    attempts.push_back(attempt_of(failure, key.allocator));
  }
  if (attempts.empty()) return undecided(key, planned_row);

  sort_by_attempt(attempts);
  const Attempt* failed = first_with(attempts, is_failure);
  const Attempt* cut_off = first_with(attempts, is_interruption);
  if (failed != nullptr) {
    take_failure(outcome, *failed);
    if (!failed->alone && passed != nullptr && passed->alone) *outcome.reason += "; it passed when it was run alone";
  } else if (passed != nullptr && cut_off != nullptr) {
    outcome.status = "ok";
    outcome.measured = passed;
    outcome.reason = ended_by(*cut_off) + "; it passed when it was run alone";
  } else if (cut_off != nullptr && outcome.measured == nullptr) {
    take_interruption(outcome, *cut_off);
  } else {
    outcome.status = outcome.measured->status;
    outcome.reason = outcome.measured->reason;
    outcome.failure = outcome.measured->failure;
  }
  if (attempts.size() > 1 || failed != nullptr || cut_off != nullptr) outcome.attempts = std::move(attempts);
  return outcome;
}

RowOutcome Outcomes::undecided(const Key& key, const Json& planned_row) const {
  if (const Json skip = pick_text(planned_row, "skip"); !skip.is_null()) {
    const bool vetoed = pick_flag(planned_row, "vetoed") == true;
    return {.status = vetoed ? "not_tested" : "skipped", .reason = skip.get<std::string>()};
  }
  if (auto failed = failed_bring_up(key)) return *failed;
  for (const auto& event : records_.events) {
    const bool skipped = event.what == "group_skipped";
    if ((!skipped && event.what != "case_cut_off") || event.group != key.group) continue;
    // Without data the whole group of ranks was given up.
    const bool listed = !event.data.is_object() || (json_contains(member(event.data, "case_ids"), key.case_id) &&
                                                    json_contains(member(event.data, "allocators"), key.allocator));
    if (listed) return {.status = skipped ? "skipped" : "interrupted", .reason = event.detail};
  }
  return {.status = "not_tested", .reason = why_not_tested()};
}

std::optional<RowOutcome> Outcomes::failed_bring_up(const Key& key) const {
  RowOutcome outcome;
  for (const auto& failure : records_.failures) {
    if (covers(failure, key)) outcome.attempts.push_back(attempt_of(failure, key.allocator));
  }
  if (outcome.attempts.empty()) return std::nullopt;
  sort_by_attempt(outcome.attempts);
  if (const Attempt* failed = first_with(outcome.attempts, is_failure)) {
    take_failure(outcome, *failed);
  } else {
    take_interruption(outcome, outcome.attempts.front());
  }
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
  return std::string(kNoRecord);
}

}  // namespace symmbench
