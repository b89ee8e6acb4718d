#include "gate/outcomes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/counted.hpp"
#include "report/pick.hpp"

namespace symmbench {
namespace {

constexpr std::size_t kMostKinds = 10, kMostLines = 4;  // of differences, and of a summary

std::string status_text(const std::string& status, const std::string& reason) {
  return reason.empty() || status == "ok" ? status : fmt::format("{}: {}", status, reason);
}

std::vector<std::string> summary_of_report(const Json& report) {
  const Json lines = texts_or_null(member_of(report, "verdict"), "summary");
  return lines.is_array() ? lines.get<std::vector<std::string>>() : std::vector<std::string>{};
}

}  // namespace

std::vector<OutcomeDifference> outcome_differences(const Json& a, const Json& b) {
  const ReportRows a_rows(a), b_rows(b);
  std::vector<OutcomeDifference> differences;
  for (const auto& name : b_rows.names()) {
    const Json *before = a_rows.row(name), *after = b_rows.row(name);
    if (before == nullptr) continue;
    OutcomeDifference one{name, text_or(*before, "status", "unknown"), text_or(*before, "reason"),
                          text_or(*after, "status", "unknown"), text_or(*after, "reason")};
    if (one.a_status != one.b_status) differences.push_back(std::move(one));
  }
  return differences;
}

std::vector<std::string> outcome_lines(const std::vector<OutcomeDifference>& differences) {
  struct Kind {
    std::string text;
    std::size_t rows = 0;
    const OutcomeDifference* first = nullptr;
  };
  std::vector<Kind> kinds;
  for (const auto& one : differences) {
    auto text =
        fmt::format("A {}; B {}", status_text(one.a_status, one.a_reason), status_text(one.b_status, one.b_reason));
    auto at = std::ranges::find_if(kinds, [&](const Kind& kind) { return kind.text == text; });
    if (at == kinds.end()) at = kinds.insert(at, Kind{std::move(text), 0, &one});
    ++at->rows;
  }
  std::vector<std::string> lines;
  if (kinds.empty()) return lines;
  lines.push_back(fmt::format("Ended otherwise: {}", counted(differences.size(), "row")));
  for (std::size_t i = 0; i < std::min(kinds.size(), kMostKinds); ++i) {
    lines.push_back("  " + kinds[i].text);
    lines.push_back(fmt::format("    {}, first {}  {}", counted(kinds[i].rows, "row"), kinds[i].first->name.first,
                                kinds[i].first->name.second));
  }
  if (kinds.size() > kMostKinds) lines.push_back(fmt::format("  and {} more kinds", kinds.size() - kMostKinds));
  return lines;
}

std::vector<std::string> verdict_lines(const std::string& title, const Json& report) {
  const Json &verdict = member_of(report, "verdict"), &run = member_of(report, "run");
  const Json code = pick_integer(verdict, "exit_code");
  std::vector<std::string> lines{fmt::format("  {}: {}{}", title, text_or(verdict, "status", "no verdict recorded"),
                                             code.is_null() ? "" : fmt::format(" (exit code {})", code.dump()))};
  if (member_of(run, "complete") != true) {
    lines.back() += fmt::format("; NOT COMPLETE: {}", text_or(run, "interrupted_by", "the run was cut off"));
  }
  const auto summary = summary_of_report(report);
  for (std::size_t i = 0; i < std::min(summary.size(), kMostLines); ++i) lines.push_back("     " + summary[i]);
  if (summary.size() > kMostLines) lines.push_back(fmt::format("     and {} more lines", summary.size() - kMostLines));
  return lines;
}

Json verdict_of_report(const Json& report) {
  const Json &verdict = member_of(report, "verdict"), &run = member_of(report, "run");
  return {{"status", pick_text(verdict, "status")},
          {"exit_code", pick_integer(verdict, "exit_code")},
          {"summary", texts_or_null(verdict, "summary")},
          {"complete", pick_flag(run, "complete")},
          {"interrupted_by", pick_text(run, "interrupted_by")}};
}

Json to_json(const OutcomeDifference& difference) {
  const auto side = [](const std::string& status, const std::string& reason) {
    return Json{{"status", status}, {"reason", reason.empty() ? Json(nullptr) : Json(reason)}};
  };
  return {{"case_id", difference.name.first},
          {"allocator", difference.name.second},
          {"a", side(difference.a_status, difference.a_reason)},
          {"b", side(difference.b_status, difference.b_reason)}};
}

}  // namespace symmbench
