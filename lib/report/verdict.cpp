#include "report/verdict.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>

#include "core/names.hpp"
#include "findings/findings.hpp"
#include "journal/records.hpp"
#include "report/hung_attempt.hpp"
#include "report/outcome.hpp"
#include "report/pick.hpp"
#include "report/probe_outcome.hpp"
#include "report/reference.hpp"
#include "report/series.hpp"
#include "report/stability.hpp"
#include "report/summary.hpp"

namespace symmbench {
namespace {

constexpr auto kStatusNames = name_table<ExitCode>({{ExitCode::passed, "passed"},
                                                    {ExitCode::failed, "failed"},
                                                    {ExitCode::usage, "usage"},
                                                    {ExitCode::no_verdict, "no_verdict"},
                                                    {ExitCode::hung, "hung"},
                                                    {ExitCode::skipped, "skipped"}});

constexpr std::array kPrecedence{ExitCode::hung, ExitCode::failed, ExitCode::no_verdict, ExitCode::skipped,
                                 ExitCode::passed};

std::size_t rank_of(ExitCode code) {
  return static_cast<std::size_t>(std::find(kPrecedence.begin(), kPrecedence.end(), code) - kPrecedence.begin());
}

bool any_status(const Json& list, const char* status) {
  return std::any_of(list.begin(), list.end(), [&](const Json& entry) { return entry.at("status") == status; });
}

/// What was interrupted has been tested no more than what never began.
bool not_tested(const Json& row) { return row.at("status") == "not_tested" || row.at("status") == "interrupted"; }
bool did_not_run(const Json& row) { return row.at("status") == "skipped" || not_tested(row); }

/// What nobody can read may have been a failure.
bool lost_record(const Json& run) {
  const Json& events = run.at("events");
  return std::any_of(events.begin(), events.end(),
                     [](const Json& event) { return event.at("what") == kUnreadableRecord; });
}

bool lost_row(const Json& row) { return row.at("status") == "not_tested" && text_or(row, "reason") == kNoRecord; }

bool leaked(const Json& leaks) {
  return std::any_of(leaks.begin(), leaks.end(),
                     [](const Json& count) { return count.is_number() && count.get<std::int64_t>() > 0; });
}

/// How the rows of one allocator ended, as far as "could it run at all?" goes.
struct Tally {
  std::size_t rows = 0, skipped = 0, not_tested = 0;
  bool reference = false;

  bool none_ran() const { return rows > 0 && skipped + not_tested == rows; }
  bool all_skipped() const { return rows > 0 && skipped == rows; }
};

std::map<std::string, Tally> tally_by_allocator(const Json& results) {
  std::map<std::string, Tally> tallies;
  for (const Json& row : results) {
    Tally& tally = tallies[row.at("allocator").get<std::string>()];
    ++tally.rows;
    tally.reference = is_reference(row);
    if (row.at("status") == "skipped") ++tally.skipped;
    if (not_tested(row)) ++tally.not_tested;
  }
  return tallies;
}

ExitCode code_of_missing(const Tally& tally, const VerdictPolicy& policy) {
  return policy.skip_if_unsupported && tally.all_skipped() ? ExitCode::skipped : ExitCode::no_verdict;
}

ExitCode code_of_rows(const Json& results, const VerdictPolicy& policy) {
  ExitCode code = ExitCode::passed;
  if (std::any_of(results.begin(), results.end(), ever_hung)) code = ExitCode::hung;
  if (any_status(results, "failed")) code = worse(code, ExitCode::failed);
  if (std::any_of(results.begin(), results.end(), policy.strict ? did_not_run : lost_row))
    code = worse(code, ExitCode::no_verdict);
  const auto tallies = tally_by_allocator(results);
  for (const auto& [allocator, tally] : tallies) {
    // Without its library a reference is left out: the others still give a verdict.
    if (tally.reference && tally.all_skipped() && tallies.size() > 1) continue;
    if (tally.none_ran()) code = worse(code, code_of_missing(tally, policy));
  }
  return code;
}

ExitCode code_of_stability(const Json& report, const VerdictPolicy& policy) {
  const auto tallies = tally_by_allocator(report.at("results"));
  ExitCode code = ExitCode::passed;
  for (const Json& entry : report.at("stability")) {
    if (entry.at("hangs").get<std::int64_t>() > 0) code = ExitCode::hung;
    if (entry.at("failed").get<std::int64_t>() > 0 || !entry.at("incidents").empty() || leaked(entry.at("leaks"))) {
      code = worse(code, ExitCode::failed);
    }
    // Without a handle there was nothing to bring up: the rows of that handle are skipped, and say so.
    const Json handle = pick_object(entry, "handle");
    if (!pick_text(handle, "reason").is_null() && pick_text(handle, "used").is_null()) continue;
    if (!ran_as_planned(entry)) {
      const auto tally = tallies.find(entry.at("allocator").get<std::string>());
      code = worse(code, code_of_missing(tally == tallies.end() ? Tally{} : tally->second, policy));
    }
  }
  return code;
}

ExitCode code_of_run(const Json& report) {
  const Json& run = report.at("run");
  if (any_status(run.at("incidents"), "hung")) return ExitCode::hung;
  const Json& results = report.at("results");
  const bool something_ran = std::any_of(results.begin(), results.end(), [](const Json& row) {
    return !did_not_run(row) || row.at("status") == "interrupted";
  });
  if (!run.at("incidents").empty()) return something_ran ? ExitCode::failed : ExitCode::no_verdict;
  if (!run.at("complete").get<bool>() || lost_record(run)) return ExitCode::no_verdict;
  const bool empty = results.empty() && report.at("stability").empty();
  return empty && !member_of(report, "probe").is_object() ? ExitCode::no_verdict : ExitCode::passed;
}

/// A probe of several ranks that looked at no pair of a group says nothing about what is between them.
ExitCode code_of_probe(const Json& report, const VerdictPolicy& policy) {
  if (untested_groups(report).empty()) return ExitCode::passed;
  return policy.skip_if_unsupported ? ExitCode::skipped : ExitCode::no_verdict;
}

/// Where nothing was measured, the rest of the report says why, and with which code.
ExitCode code_of_gate(const Json& report) {
  const Json& gate = member_of(report, "gate");
  const auto status = text_or(gate, "status", "passed");
  if (status == "failed") return ExitCode::failed;
  return status != "passed" && any_status(report.at("results"), "ok") ? ExitCode::no_verdict : ExitCode::passed;
}

/// "--fail-on warning: slow_pair, imex_channel_missing"; empty: nothing fails by it.
std::string failing_findings(const Json& report) {
  const auto asked = text_or(member_of(member_of(report, "run"), "config"), "fail_on");
  const auto least = severity_from(asked);
  if (!least) return "";
  std::vector<std::string> checks;
  for (const Json* finding : findings_from(report, *least)) {
    auto check = text_or(*finding, "check_id");
    if (std::ranges::find(checks, check) == checks.end()) checks.push_back(std::move(check));
  }
  return checks.empty() ? "" : fmt::format("--fail-on {}: {}", asked, fmt::join(checks, ", "));
}

}  // namespace

ExitCode worse(ExitCode a, ExitCode b) { return rank_of(a) <= rank_of(b) ? a : b; }

void downgrade(Json& report, const std::string& why) {
  Json& verdict = report.at("verdict");
  const auto code = worse(static_cast<ExitCode>(verdict.at("exit_code").get<int>()), ExitCode::no_verdict);
  verdict["status"] = kStatusNames.name(code);
  verdict["exit_code"] = static_cast<int>(code);
  verdict["summary"].push_back(why);
}

Json verdict_json(const Json& report, const VerdictPolicy& policy) {
  ExitCode code = code_of_run(report);
  code = worse(code, code_of_rows(report.at("results"), policy));
  code = worse(code, code_of_stability(report, policy));
  if (!short_of_busbw(report).empty()) code = worse(code, ExitCode::failed);
  code = worse(code, code_of_probe(report, policy));
  code = worse(code, code_of_gate(report));
  const auto by_findings = failing_findings(report);
  if (!by_findings.empty()) code = worse(code, ExitCode::failed);
  // A rank that died before it said what it has is no machine that cannot.
  const bool may_skip =
      policy.unsupported && policy.skip_if_unsupported && !policy.strict && report.at("run").at("incidents").empty();
  if (may_skip && code == ExitCode::no_verdict) code = ExitCode::skipped;
  const bool interrupted = code == ExitCode::no_verdict && was_interrupted(report.at("run"));
  auto summary = summary_lines(report);
  if (!by_findings.empty()) summary.insert(summary.begin() + (summary.empty() ? 0 : 1), by_findings);
  if (policy.instead) summary.push_back("on the emulated device: " + *policy.instead);
  return {{"status", interrupted ? "interrupted" : kStatusNames.name(code)},
          {"exit_code", static_cast<int>(code)},
          {"summary", std::move(summary)}};
}

}  // namespace symmbench
