#include "report/salvage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "journal/journal.hpp"
#include "report/fold.hpp"
#include "report/schema_validation.hpp"

namespace symmbench {
namespace {

[[noreturn]] void no_report(const std::string& dir, const std::string& why) {
  throw Error({.layer = Layer::config,
               .reason = Reason::invalid_argument,
               .detail = fmt::format("'{}': no report can be made of it: {}", dir, why)});
}

/// The plan that the report is about.
RunStarted plan_of(const JournalText& journal, const std::string& dir) {
  const auto started = std::find_if(journal.records.begin(), journal.records.end(),
                                    [](const Json& record) { return type_of(record) == "run_started"; });
  if (started == journal.records.end()) {
    std::string why = "no journal in it says what was planned; rank-0.jsonl does, in its first lines";
    for (const auto& problem : journal.problems) why += "; " + problem;
    no_report(dir, why);
  }
  try {
    return run_started_from(*started);
  } catch (const Error& error) {
    no_report(dir, error.failure().detail);
  }
}

std::vector<std::string> missing_journals(const std::string& dir, int world_size) {
  const auto ranks = journal_ranks(dir);
  std::vector<std::string> problems;
  for (int rank = 0; rank < world_size; ++rank) {
    if (std::find(ranks.begin(), ranks.end(), rank) != ranks.end()) continue;
    problems.push_back(fmt::format("rank-{}.jsonl: missing, of {} ranks", rank, world_size));
  }
  return problems;
}

Json incomplete(const std::string& problem) {
  return to_json(EventRecord{.what = std::string(kJournalIncomplete), .detail = problem, .data = nullptr});
}

/// Where a report breaks its schema, with the first place; nullopt where it does not.
std::optional<std::string> schema_problem(const Json& report) {
  const auto violations = validate(report, schema_text("report"));
  if (violations.empty()) return std::nullopt;
  return fmt::format("the journals hold what no run writes, so that `symmbench validate` refuses the report: {}: {}{}",
                     violations.front().path, violations.front().message,
                     violations.size() == 1 ? "" : fmt::format(", and {} more", violations.size() - 1));
}

}  // namespace

SalvagedReport salvage_report(const std::string& dir) {
  JournalText journal;
  try {
    journal = read_journal(dir);
  } catch (const Error& error) {
    no_report(dir, error.failure().detail);
  }
  const RunStarted started = plan_of(journal, dir);
  SalvagedReport salvaged{.report = {}, .problems = std::move(journal.problems)};
  for (auto& problem : missing_journals(dir, started.world_size)) salvaged.problems.push_back(std::move(problem));
  journal.records.push_back(
      to_json(EventRecord{.what = "salvaged", .detail = "made of journals, not by the run itself", .data = nullptr}));
  for (const auto& problem : salvaged.problems) journal.records.push_back(incomplete(problem));
  salvaged.report = fold_report(journal.records);
  // Journals are files: what somebody's editor or disk made of them may be valid JSON that no run writes.
  if (auto problem = schema_problem(salvaged.report)) {
    journal.records.push_back(incomplete(*problem));
    salvaged.report = fold_report(journal.records);
    salvaged.problems.push_back(std::move(*problem));
    salvaged.valid = false;
  }
  return salvaged;
}

}  // namespace symmbench
