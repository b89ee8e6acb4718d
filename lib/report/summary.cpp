#include "report/summary.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/counted.hpp"
#include "journal/records.hpp"
#include "report/decisions.hpp"
#include "report/gate_lines.hpp"
#include "report/hung_attempt.hpp"
#include "report/next_step.hpp"
#include "report/outcome.hpp"
#include "report/pick.hpp"
#include "report/probe_outcome.hpp"
#include "report/reference.hpp"
#include "report/series.hpp"
#include "report/stability.hpp"
#include "stats/comparison.hpp"

namespace symmbench {
namespace {

/// More kinds of failure than this do not help a reader; the report has them all.
constexpr std::size_t kMostKinds = 6;

/// Failures that are the same but for rank and case: one line for all.
struct Kind {
  std::string allocator, status;
  Failure failure;
  std::string first_where;
  std::size_t count = 0;
};

bool same_kind(const Kind& kind, const std::string& allocator, const std::string& status, const Failure& failure) {
  return kind.allocator == allocator && kind.status == status && kind.failure.layer == failure.layer &&
         kind.failure.reason == failure.reason && kind.failure.phase == failure.phase &&
         kind.failure.call == failure.call && kind.failure.code == failure.code;
}

void count(std::vector<Kind>& kinds, const std::string& allocator, const std::string& status, const Json& failure,
           const std::string& where) {
  const Failure parsed =
      failure.is_object() ? failure_from_json(failure) : Failure{.detail = "no failure was recorded"};
  auto it = std::find_if(kinds.begin(), kinds.end(),
                         [&](const Kind& kind) { return same_kind(kind, allocator, status, parsed); });
  if (it == kinds.end()) it = kinds.insert(kinds.end(), Kind{allocator, status, parsed, where});
  ++it->count;
}

std::vector<Kind> kinds_of(const Json& report) {
  std::vector<Kind> kinds;
  for (const Json& row : report.at("results")) {
    const auto status = row.at("status").get<std::string>();
    if (status != "failed" && status != "hung") continue;
    const auto allocator = row.at("allocator").get<std::string>(), where = row.at("case_id").get<std::string>();
    count(kinds, allocator, status, row.at("failure"), where);
    const Json later = hung_attempt(row);
    if (status == "failed" && later.is_object()) count(kinds, allocator, "hung", later.at("failure"), where);
  }
  for (const Json& entry : report.at("stability")) {
    const auto allocator = entry.at("allocator").get<std::string>();
    const auto workspace = workspace_text(report.at("stability"), entry);
    bool counted = entry.at("first_failure").is_null();  // a lifecycle that ended its worker is an incident, too
    for (const Json& incident : entry.at("incidents")) {
      counted = counted || incident.at("failure") == entry.at("first_failure");
      count(kinds, allocator, incident.at("status").get<std::string>(), incident.at("failure"),
            incident.at("case_id").is_string() ? incident.at("case_id").get<std::string>()
                                               : workspace + ", outside any case");
    }
    if (!counted) count(kinds, allocator, "failed", entry.at("first_failure"), workspace + ", lifecycle");
  }
  for (const Json& incident : report.at("run").at("incidents")) {
    const Json case_id = pick_text(incident, "case_id");
    count(kinds, "", incident.at("status").get<std::string>(), incident.at("failure"),
          case_id.is_null() ? "no case in particular" : case_id.get<std::string>());
  }
  std::stable_sort(kinds.begin(), kinds.end(), [](const Kind& a, const Kind& b) { return a.status > b.status; });
  return kinds;  // hung before failed
}

/// "culprit: rank 2 on node1, pid 7, in phase use"; where all that is known is a wait in vain: "suspect: rank 1; who
/// waited for it: rank 2 on node1, pid 7", and the same of wrong data that is another's. Empty where no rank is known.
std::string accused(const Failure& failure, const std::string& doing = {}) {
  const auto who = place_of(failure);
  const auto text = fmt::format("{}{}{}", who, doing.empty() ? "" : ", ", doing);
  if (who.empty()) return {};
  // All ranks find a disagreement alike: whoever tells of it is no more to blame than the others.
  if (failure.reason == Reason::disagreement) {
    return failure.peer ? fmt::format("suspect: rank {}", *failure.peer) : std::string{};
  }
  // Whoever finds wrong data in its output did not send it.
  if (failure.layer == Layer::verify && failure.peer && failure.peer != failure.rank) {
    return fmt::format("suspect: rank {}; who found it: {}", *failure.peer, text);
  }
  const bool waited = failure.reason == Reason::timed_out || failure.reason == Reason::peer_failed;
  if (!waited || did_not_move(failure) || !failure.peer) return "culprit: " + text;
  return fmt::format("suspect: rank {}; who waited for it: {}", *failure.peer, text);
}

/// Which of the allocators that ran fail for the same reason as `kind`.
Shared shared(const Json& report, const std::vector<Kind>& kinds, const Kind& kind) {
  std::set<std::string> ran, failed;
  for (const Json& row : report.at("results")) {
    const auto status = row.at("status").get<std::string>();
    if (!is_reference(row) && (status == "ok" || status == "failed" || status == "hung"))
      ran.insert(row.at("allocator"));
  }
  for (const Kind& other : kinds) {
    if (other.failure.reason == kind.failure.reason && !other.allocator.empty()) failed.insert(other.allocator);
  }
  if (kind.allocator.empty()) return Shared::unknown;
  if (ran.size() < 2) return Shared::unknown;
  return std::ranges::includes(failed, ran) ? Shared::by_all : Shared::by_some;
}

void add_failures(std::vector<std::string>& lines, const Json& report) {
  const auto kinds = kinds_of(report);
  for (std::size_t i = 0; i < std::min(kinds.size(), kMostKinds); ++i) {
    const Kind& kind = kinds[i];
    const auto peer = kind.failure.peer ? fmt::format(" [peer: rank {}]", *kind.failure.peer) : std::string{};
    lines.push_back(fmt::format("{}: {}{}{}{}", kind.status, kind.allocator, kind.allocator.empty() ? "" : ": ",
                                without_case(describe(kind.failure), kind.first_where), peer));
    lines.push_back(kind.count == 1 ? fmt::format("  in {}", kind.first_where)
                                    : fmt::format("  {} times, first in {}", kind.count, kind.first_where));
    const auto who = accused(kind.failure, without_case(kind.failure.doing, kind.first_where));
    if (!who.empty()) lines.push_back("  " + who);
    lines.push_back("  next: " + next_step(kind.failure, shared(report, kinds, kind)));
  }
  if (kinds.size() > kMostKinds) {
    lines.push_back(fmt::format("and {} more kinds of failure: see results[].failure", kinds.size() - kMostKinds));
  }
}

/// One line for all events of a kind, with the words of the first.
void add_events(std::vector<std::string>& lines, const Json& report, std::string_view what, std::string_view title) {
  std::size_t times = 0;
  std::string first;
  for (const Json& event : report.at("run").at("events")) {
    if (text_or(event, "what") == what && times++ == 0) first = event.at("detail").get<std::string>();
  }
  if (times == 0) return;
  lines.push_back(fmt::format("{}: {}{}", title, first,
                              times == 1 ? "" : fmt::format(" (and {} more: see run.events)", times - 1)));
}

/// " (mnnvl by multicast)" where lifecycles of several workspaces or transports must be told apart.
std::string told_apart(const Json& report, const Json& entry) {
  const Json& entries = report.at("stability");
  const auto text = workspace_text(entries, entry);
  const bool several =
      std::ranges::any_of(entries, [&](const Json& other) { return workspace_text(entries, other) != text; });
  return several ? fmt::format(" ({})", text) : "";
}

void add_leaks(std::vector<std::string>& lines, const Json& report) {
  for (const Json& entry : report.at("stability")) {
    std::string leaks;
    for (const auto& [key, grown] : entry.at("leaks").items()) {
      if (!grown.is_number() || grown.get<std::int64_t>() <= 0) continue;
      leaks += fmt::format("{}{} {}", leaks.empty() ? "" : ", ", grown.get<std::int64_t>(), key);
    }
    if (leaks.empty()) continue;
    lines.push_back(fmt::format("leak: {}{} left {} behind in {}", entry.at("allocator").get<std::string>(),
                                told_apart(report, entry), leaks,
                                counted(entry.at("lifecycles").get<std::uint64_t>(), "lifecycle")));
  }
}

/// Of whom operations became slower while lifecycles went on.
void add_drift(std::vector<std::string>& lines, const Json& report) {
  for (const Json& entry : report.at("stability")) {
    const Json drift = pick_object(entry, "drift");
    if (drift.is_null() || drift.at("verdict") != name_of(PairVerdict::slower)) continue;
    lines.push_back(fmt::format(
        "drift: operations of {}{} took {:.3g} times as long in the second half of {} lifecycles: {}",
        entry.at("allocator").get<std::string>(), told_apart(report, entry), drift.at("ratio").get<double>(),
        entry.at("lifecycles").get<std::uint64_t>(), drift.at("reason").get<std::string>()));
  }
}

/// Samples that were taken while a GPU was slower than it could be: they count, and whoever reads the times must know.
void add_slowed(std::vector<std::string>& lines, const Json& report) {
  std::size_t rows = 0, slowed = 0, samples = 0;
  std::set<int> ranks;
  for (const Json& row : report.at("results")) {
    const Json count = pick_integer(row, "slowed_samples");
    if (count.is_null() || count == 0) continue;
    ++rows;
    slowed += count.get<std::size_t>();
    samples += row.at("time_us").at("samples").get<std::size_t>();
    for (const Json& rank : row.at("slowed_ranks")) ranks.insert(rank.get<int>());
  }
  if (rows == 0) return;
  lines.push_back(
      fmt::format("slowed down: {} of {} of {} were taken while the GPU of rank {} was held back (power, heat); they "
                  "count",
                  slowed, counted(samples, "sample"), counted(rows, "row"), fmt::join(ranks, ", ")));
}

/// What lifecycles say about the allocators, beside each other.
void add_stability(std::vector<std::string>& lines, const Json& report) {
  const Json& compared = member_of(report, "stability_comparison");
  for (const Json& entry : compared.is_array() ? compared : Json::array()) {
    const auto verdict = entry.at("verdict").get<std::string>();
    const auto who = verdict == "stabler" ? entry.at("stabler").get<std::string>() + " is stabler"
                                          : fmt::format("{} and {}: {}", entry.at("allocator_a").get<std::string>(),
                                                        entry.at("allocator_b").get<std::string>(), verdict);
    lines.push_back(
        fmt::format("stability{}: {}: {}", told_apart(report, entry), who, entry.at("reason").get<std::string>()));
  }
}

/// A fault that was planned and never met proves nothing. A run that did not end may have lost who would have told.
void add_unstruck_faults(std::vector<std::string>& lines, const Json& run) {
  const Json injected = member(run, "injected"), struck = member(run, "injected_struck");
  if (!injected.is_array() || !struck.is_array()) return;
  for (std::size_t i = 0; i < struck.size(); ++i) {
    if (struck[i] != 0) continue;
    lines.push_back(fmt::format("planned fault {}: {}",
                                member(run, "complete") == true ? "never struck" : "did not tell whether it struck",
                                injected.at(i).get<std::string>()));
  }
}

void add_bisections(std::vector<std::string>& lines, const Json& report) {
  const Json& bisected = member_of(report, "bisect");
  if (!bisected.is_array()) return;
  for (const Json& group : bisected) {
    lines.push_back(fmt::format(
        "bisect, group {}, {} in {:.1f} s: {}", group.at("group").dump(), counted(group.at("tests").size(), "group"),
        group.at("seconds").is_number() ? group.at("seconds").get<double>() : 0.0, text_or(group, "text")));
  }
}

/// Why rows did not run: each reason once, with its count.
void add_missing(std::vector<std::string>& lines, const Json& report) {
  std::vector<std::pair<std::string, std::size_t>> reasons;
  for (const Json& row : report.at("results")) {
    const auto status = row.at("status").get<std::string>();
    if (status != "skipped" && status != "interrupted" && status != "not_tested") continue;
    const auto line =
        fmt::format("{}: {}: {}", status, row.at("allocator").get<std::string>(), text_or(row, "reason", "no reason"));
    auto it = std::find_if(reasons.begin(), reasons.end(), [&](const auto& entry) { return entry.first == line; });
    if (it == reasons.end()) it = reasons.insert(reasons.end(), {line, 0});
    ++it->second;
  }
  for (std::size_t i = 0; i < std::min(reasons.size(), kMostKinds); ++i) {
    lines.push_back(fmt::format("{} ({})", reasons[i].first, counted(reasons[i].second, "row")));
  }
  if (reasons.size() > kMostKinds) {
    lines.push_back(fmt::format("and {} more reasons: see results[].reason", reasons.size() - kMostKinds));
  }
  for (const Json& entry : report.at("stability")) {
    if (!ran_as_planned(entry)) {
      lines.push_back(fmt::format("lifecycles: {}{}: {} ran", entry.at("allocator").get<std::string>(),
                                  told_apart(report, entry), lifecycles_that_ran(entry)));
    }
  }
}

std::string row_counts(const Json& results) {
  std::map<std::string, std::size_t> counts;
  for (const Json& row : results) ++counts[row.at("status").get<std::string>()];
  std::string text = fmt::format("{} of {} ok", counts["ok"], counted(results.size(), "row"));
  for (const char* status : {"hung", "failed", "interrupted", "skipped", "not_tested"}) {
    if (counts[status] > 0) text += fmt::format(", {} {}", counts[status], status);
  }
  return text;
}

bool anything_unchecked(const Json& results) {
  return std::any_of(results.begin(), results.end(), [](const Json& row) {
    return row.at("status") == "ok" && (!row.at("checked_iterations").is_number() || row.at("checked_iterations") == 0);
  });
}

}  // namespace

bool was_interrupted(const Json& run) { return text_or(run, "interrupted_by").starts_with("SIG"); }

std::string without_case(std::string text, std::string_view case_id) {
  const auto item = fmt::format(", item {}", case_id);
  const auto at = case_id.empty() ? std::string::npos : text.find(item);
  if (at == std::string::npos) return text;
  const bool another =
      text.find_first_of(" ,;)", at + item.size()) != at + item.size() && at + item.size() != text.size();
  return another ? text : text.erase(at, item.size());
}

std::string failure_line(const FailureRecord& failure) {
  const std::string* culprit = culprit_of(failure);
  const auto where = failure.case_id ? *failure.case_id : failure.label;
  const auto who = accused(failure.failure);
  return fmt::format("{}{}{}: {}{}{}", failure.status == "hung" ? "hung" : "failed",
                     culprit != nullptr ? ", " + *culprit : std::string{}, where.empty() ? "" : ", in " + where,
                     without_case(describe(failure.failure), where), who.empty() ? "" : "; ", who);
}

std::vector<std::string> summary_lines(const Json& report) {
  std::vector<std::string> lines;
  const Json& probe = member_of(report, "probe");
  if (probe.is_object()) {
    lines.push_back(probe_counts(report));
    for (const auto& more : {untested_groups(report), untold_pairs(report)}) {
      lines.insert(lines.end(), more.begin(), more.end());
    }
  } else if (!report.at("results").empty()) {
    lines.push_back(row_counts(report.at("results")));
  }
  const Json& run = report.at("run");
  if (!run.at("complete").get<bool>()) {
    const auto by = text_or(run, "interrupted_by");
    if (was_interrupted(run)) {
      lines.push_back("interrupted by " + by);
    } else {
      lines.push_back(by.empty() ? "not complete: the run was cut off" : "not complete: " + by);
    }
  }
  add_failures(lines, report);
  add_bisections(lines, report);
  add_events(lines, report, kUnreadableRecord, "a record of the run cannot be read");
  // No fault of any rank, but worth a look where a rank was late.
  add_events(lines, report, kStrangersConnected, "strangers");
  add_events(lines, report, kRetriedNotReady, "tried again");
  add_leaks(lines, report);
  add_drift(lines, report);
  add_slowed(lines, report);
  add_stability(lines, report);
  add_unstruck_faults(lines, run);
  add_missing(lines, report);
  if (anything_unchecked(report.at("results")))
    lines.push_back("some results were timed but not checked (--check off)");
  for (const auto& more : {short_of_busbw(report), decision_lines(report), gate_lines(report)}) {
    lines.insert(lines.end(), more.begin(), more.end());
  }
  return lines;
}

}  // namespace symmbench
