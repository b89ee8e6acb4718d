#include "report/case_feed.hpp"

#include <algorithm>

#include "report/pick.hpp"
#include "report/rows.hpp"

namespace symmbench {
namespace {

std::string comparison_key(const Json& entry) { return text_or(entry, "case_id") + member(entry, "allocators").dump(); }

}  // namespace

void CaseFeed::append(const Json& record) {
  // No case asks for more than whether there were any, and a soak makes them without end.
  if (!records_.lifecycles.empty() && type_of(record) == "lifecycle") return;
  const bool planned_before = records_.planned;
  try {
    add_record(records_, record);
  } catch (const Error&) {
    return;  // the fold of the report tells of a record that it cannot read
  }
  if (records_.planned && !planned_before) start();
  const auto type = type_of(record);
  if (type == "row") on_row(records_.rows.back());
  if (type == "failure") on_failure(records_.failures.back());
  if (type == "event") on_event(records_.events.back());
}

void CaseFeed::start() {
  family_sizes_ = family_sizes(records_.started.planned_rows);
  for (const Json& planned : records_.started.planned_rows) {
    const auto case_id = text_or(planned, "case_id");
    const auto [it, first] = cases_.try_emplace(case_id);
    if (first) case_order_.push_back(case_id);
    it->second.planned.push_back(planned);
    if (pick_text(planned, "skip").is_null()) it->second.waiting.insert(text_or(planned, "allocator"));
  }
  for (auto* listener : listeners_) listener->on_plan(records_.started);
}

void CaseFeed::on_row(const RowRecord& row) {
  // After a failure with several allocators in play only runs by itself decide.
  const bool failed_together = std::any_of(
      records_.failures.begin(), records_.failures.end(),
      [&](const FailureRecord& failure) { return failure.case_id == row.case_id && failure.allocators.size() > 1; });
  if (!failed_together || row.alone) settle(row.case_id, row.allocator);
}

void CaseFeed::on_failure(const FailureRecord& failure) {
  if (!failure.case_id) return;
  const auto it = cases_.find(*failure.case_id);
  if (it == cases_.end()) return;
  it->second.waiting.insert(failure.allocators.begin(), failure.allocators.end());  // they will be run again, alone
  // Whatever comes of its repetition, the culprit has failed.
  if (const std::string* culprit = culprit_of(failure)) settle(*failure.case_id, *culprit);
}

void CaseFeed::on_event(const EventRecord& event) {
  if (event.what != "group_skipped" || !event.data.is_object()) return;
  const Json case_ids = member(event.data, "case_ids");
  const Json allocators = member(event.data, "allocators");
  if (!case_ids.is_array() || !allocators.is_array()) return;
  for (const Json& case_id : case_ids) {
    for (const Json& allocator : allocators) {
      if (case_id.is_string() && allocator.is_string()) {
        settle(case_id.get<std::string>(), allocator.get<std::string>());
      }
    }
  }
}

void CaseFeed::settle(const std::string& case_id, const std::string& allocator) {
  const auto it = cases_.find(case_id);
  if (it == cases_.end()) return;
  CaseState& state = it->second;
  state.waiting.erase(allocator);
  if (!state.waiting.empty() || state.reported) return;
  const Outcomes outcomes(records_);
  DecidedCase decided{.case_id = case_id, .rows = fold_rows(records_, outcomes, state.planned), .comparison = {}};
  decided.comparison = early_comparison(outcomes, state.planned, decided.rows, family_sizes_);
  report_case(state, decided);
}

void CaseFeed::report_case(CaseState& state, const DecidedCase& decided) {
  state.reported = true;
  for (const Json& entry : decided.comparison) {
    const auto verdict = text_or(entry, "verdict");
    if (verdict == "same" || verdict == "faster" || verdict == "slower") told_[comparison_key(entry)] = verdict;
  }
  for (auto* listener : listeners_) listener->on_case(decided);
}

void CaseFeed::finish(const Json& report) {
  std::map<std::string, DecidedCase> left;
  const auto sort_in = [&](const Json& entries, Json DecidedCase::*list) {
    for (const Json& entry : entries) {
      const auto case_id = entry.at("case_id").get<std::string>();
      const auto it = cases_.find(case_id);
      if (it == cases_.end() || it->second.reported) continue;
      (left.try_emplace(case_id, DecidedCase{case_id, Json::array(), Json::array()}).first->second.*list)
          .push_back(entry);
    }
  };
  sort_in(report.at("results"), &DecidedCase::rows);
  sort_in(report.at("comparison"), &DecidedCase::comparison);
  for (const auto& case_id : case_order_) {
    if (const auto it = left.find(case_id); it != left.end()) report_case(cases_[case_id], it->second);
  }
  tell_withdrawn(report.at("comparison"));
  for (auto* listener : listeners_) listener->on_end();
}

/// The sizes of a series share what placements do to them, which no case knows by itself.
void CaseFeed::tell_withdrawn(const Json& comparison) {
  for (const Json& entry : comparison) {
    const auto told = told_.find(comparison_key(entry));
    if (told == told_.end() || told->second == text_or(entry, "verdict")) continue;
    for (auto* listener : listeners_) listener->on_withdrawn(entry, told->second);
  }
}

}  // namespace symmbench
