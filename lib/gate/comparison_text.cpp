#include "gate/comparison_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/counted.hpp"
#include "core/text.hpp"
#include "gate/stability.hpp"
#include "report/pick.hpp"

namespace symmbench {
namespace {

constexpr std::size_t kMostNames = 10;  // of what is in one report only

std::string head_of(const Json& report) {
  const Json &tool = member_of(report, "tool"), &run = member_of(report, "run"), &device = member_of(report, "device");
  return fmt::format("symmbench {} ({}, {}), {} device, {}, {}", text_or(tool, "version", "?"),
                     text_or(tool, "git", "?"), text_or(tool, "build", "?"), text_or(device, "kind", "unknown"),
                     counted(integer_or(run, "world_size", 0), "rank"), text_or(run, "started_at", "time unknown"));
}

/// What is printed for a verdict: the word of the report but for `ambiguous`.
std::string_view shown(PairVerdict verdict) {
  return verdict == PairVerdict::ambiguous ? "inconclusive" : name_of(verdict);
}

std::string_view shown(GateVerdict verdict) {
  switch (verdict) {
    case GateVerdict::regressed:
      return "REGRESSED";
    case GateVerdict::undecided:
      return "undecided";
    case GateVerdict::not_judged:
      return "not judged";
    case GateVerdict::within:
      break;
  }
  return "within limit";
}

std::string_view status_name(ReportComparison::GateStatus status) {
  switch (status) {
    case ReportComparison::GateStatus::failed:
      return "failed";
    case ReportComparison::GateStatus::no_verdict:
      return "no_verdict";
    case ReportComparison::GateStatus::passed:
      break;
  }
  return "passed";
}

std::string verdict_of(const ComparedCase& compared, bool gated) {
  return std::string(gated ? shown(compared.result.gate) : shown(compared.result.verdict));
}

/// In no more digits than say something.
std::string ratio_text(double ratio) {
  const int decimals = ratio < 10 ? 3 : ratio < 100 ? 1 : 0;
  return fmt::format("{:.{}f}", ratio, decimals);
}

/// "0.980-1.040", or as much as is known.
std::string interval_of(const SlowdownResult& result) {
  return result.interval ? fmt::format("{}-{}", ratio_text(result.interval->low), ratio_text(result.interval->high))
                         : "-";
}

/// What a slowdown by `ratio` is called: "12 %", "a factor of 45.1".
std::string slowdown_text(double ratio) {
  return ratio < 3 ? fmt::format("{:.0f} %", (ratio - 1) * 100) : fmt::format("a factor of {}", ratio_text(ratio));
}

/// What the rows of one series have in common: a title above them.
std::string series_title(const Json& row) {
  return fmt::format("{} {} {}, {}, {}, {}, {}", text_or(row, "pattern", "?"), text_or(row, "dtype", "?"),
                     text_or(row, "algorithm", "?"), text_or(row, "workspace", "?"),
                     member_of(row, "in_place") == true ? "in place" : "out of place",
                     counted(integer_or(row, "group_size", 0), "rank"), text_or(row, "allocator", "?"));
}

std::string size_of(const Json& row) {
  const Json& bytes = member_of(row, "message_bytes");
  return bytes.is_number_unsigned() ? format_bytes(bytes.get<std::uint64_t>()) : "?";
}

std::string shape_of(const Json& row) {
  return fmt::format("{} x {}", integer_or(row, "tokens", 0), integer_or(row, "hidden", 0));
}

/// Indices of the cases, one series after the other.
std::vector<std::vector<std::size_t>> by_series(const std::vector<ComparedCase>& cases) {
  SeriesNumbers numbers;
  std::vector<std::vector<std::size_t>> series;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto number = numbers.of(*cases[i].b.row);
    if (number == series.size()) series.emplace_back();
    series[number].push_back(i);
  }
  return series;
}

void add_names(std::vector<std::string>& lines, const std::string& title, const std::vector<RowName>& names) {
  if (names.empty()) return;
  lines.push_back(fmt::format("{}: {}", title, counted(names.size(), "row")));
  for (std::size_t i = 0; i < std::min(names.size(), kMostNames); ++i) {
    lines.push_back(fmt::format("  {}  {}", names[i].first, names[i].second));
  }
  if (names.size() > kMostNames) lines.push_back(fmt::format("  and {} more", names.size() - kMostNames));
}

/// What ended otherwise, stands in one report only, or in both without times.
std::vector<std::string> rest_lines(const ReportComparison& comparison) {
  std::vector<std::string> lines = outcome_lines(comparison.outcomes);
  add_names(lines, "Only in A", comparison.only_in_a);
  add_names(lines, "Only in B", comparison.only_in_b);
  auto without = comparison.not_compared;
  std::erase_if(without, [&](const NotCompared& one) {
    return std::ranges::any_of(comparison.outcomes, [&](const auto& told) { return told.name == one.name; });
  });
  if (without.empty()) return lines;
  lines.push_back(fmt::format("Not compared: {}", counted(without.size(), "row")));
  for (std::size_t i = 0; i < std::min(without.size(), kMostNames); ++i) {
    lines.push_back(fmt::format("  {}  {}: {}", without[i].name.first, without[i].name.second, without[i].why));
  }
  if (without.size() > kMostNames) lines.push_back(fmt::format("  and {} more", without.size() - kMostNames));
  return lines;
}

std::string counts_of(const ReportComparison& comparison) {
  std::string text;
  for (const auto verdict : {PairVerdict::same, PairVerdict::faster, PairVerdict::slower, PairVerdict::ambiguous}) {
    const auto count = comparison.count(verdict);
    if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, shown(verdict));
  }
  return text;
}

std::vector<std::string> gate_lines(const ReportComparison& comparison) {
  const auto cases = comparison.cases.size();
  switch (comparison.gate_status()) {
    case ReportComparison::GateStatus::failed:
      return {fmt::format("Gate FAILED: {} of {} proven more than {} % slower",
                          comparison.count(GateVerdict::regressed), counted(cases, "case"), *comparison.max_regress)};
    case ReportComparison::GateStatus::no_verdict:
      if (comparison.cases.empty()) return {"Gate has NO VERDICT: no case in common that both measured"};
      return {fmt::format("Gate has NO VERDICT: none of {} can be judged ({})", counted(cases, "case"),
                          comparison.cases.front().result.reason)};
    case ReportComparison::GateStatus::passed:
      break;
  }
  const auto within = comparison.count(GateVerdict::within);
  return {fmt::format("Gate {}: none of {} is proven more than {} % slower",
                      within > 0 ? "passed" : "not failed, but proves nothing", counted(cases, "case"),
                      *comparison.max_regress),
          fmt::format("  {} proven to keep the limit, {} undecided, {} not judged", within,
                      comparison.count(GateVerdict::undecided), comparison.count(GateVerdict::not_judged))};
}

/// What the numbers mean and what they cannot say.
std::vector<std::string> how_lines(const ReportComparison& comparison) {
  std::vector<std::string> lines{
      "A us, B us: means of all samples. B/A: geometric means over placements, with the 95 % interval.",
      "Slower, faster: for all cases together (Holm)."};
  if (comparison.max_regress) {
    lines.push_back(
        fmt::format("Regressed: the one-sided lower bound of B/A is above {:.4g}. Of runs that changed nothing,",
                    1 + *comparison.max_regress / 100));
    lines.push_back(fmt::format("{:.0f} % fail by chance, all their cases together (Holm).", 100 * kGateLevel));
    if (const auto found = comparison.smallest_found()) {
      lines.push_back(fmt::format("In half of the cases a slowdown by less than {} would not have been proven.",
                                  slowdown_text(*found)));
    }
  }
  if (comparison.run_spread > 0) {
    lines.push_back(
        fmt::format("Emulated device: repeated runs are taken to differ by a factor of {:.2f} by themselves.",
                    std::exp(comparison.run_spread)));
  }
  if (comparison.scatter > 1) {
    lines.push_back(fmt::format(
        "Neighbouring sizes scatter {:.1f} times as much as placements explain: intervals are as much wider.",
        comparison.scatter));
  }
  return lines;
}

std::vector<std::string> summary_of(const ReportComparison& comparison) {
  std::vector<std::string> lines;
  if (const auto ratio = comparison.mean_ratio()) {
    lines.push_back(fmt::format("{}: {}; time of B / time of A is {:.3f} in the geometric mean",
                                counted(comparison.cases.size(), "case"), counts_of(comparison), *ratio));
  } else {
    lines.emplace_back("No case in common that both measured.");
  }
  for (auto& line : how_lines(comparison)) lines.push_back(std::move(line));
  if (comparison.max_regress) {
    for (auto& line : gate_lines(comparison)) lines.push_back(std::move(line));
  }
  return lines;
}

void add_lines(std::string& text, const std::vector<std::string>& lines, const char* before = "") {
  for (const auto& line : lines) text += before + line + "\n";
}

Json names_json(const std::vector<RowName>& names) {
  Json list = Json::array();
  for (const auto& [case_id, allocator] : names) list.push_back({{"case_id", case_id}, {"allocator", allocator}});
  return list;
}

Json report_json(const Json& report, const std::string& name) {
  const Json& run = member_of(report, "run");
  return {{"file", name},
          {"schema_version", pick_text(report, "schema_version")},
          {"tool", pick_object(report, "tool")},
          {"started_at", pick_text(run, "started_at")},
          {"device", pick_text(member_of(report, "device"), "kind")},
          {"world_size", pick_integer(run, "world_size")},
          {"complete", pick_flag(run, "complete")},
          {"verdict", verdict_of_report(report)}};
}

}  // namespace

std::string comparison_text(const ReportComparison& comparison, const ComparedReports& reports) {
  std::string text = fmt::format("A: {}\n   {}\nB: {}\n   {}\n\n", reports.a_name, head_of(reports.a), reports.b_name,
                                 head_of(reports.b));
  const auto& environment = comparison.environment;
  const auto named =
      std::count_if(environment.begin(), environment.end(), [](const auto& one) { return !one.identity; });
  text += named == 0 ? "Environment: no difference\n" : fmt::format("Environment: {}\n", counted(named, "difference"));
  for (const auto& one : environment) {
    if (one.identity && &one == &environment[static_cast<std::size_t>(named)]) text += "Which systems they are\n";
    text += fmt::format("  {}: {} -> {}{}\n", one.key, one.a, one.b,
                        one.other_machine ? "   (times say nothing about each other)" : "");
  }
  text += "\nVerdicts\n";
  add_lines(text, verdict_lines("A", reports.a));
  add_lines(text, verdict_lines("B", reports.b));
  const bool gated = comparison.max_regress.has_value();
  for (const auto& series : by_series(comparison.cases)) {
    const Json& first = *comparison.cases[series.front()].b.row;
    text += fmt::format("\n{}\n  {:>9} {:>14} {:>11} {:>11} {:>7}  {:<13}  {}\n", series_title(first), "size", "shape",
                        "A us", "B us", "B/A", "interval", gated ? "gate" : "verdict");
    for (const std::size_t i : series) {
      const ComparedCase& each = comparison.cases[i];
      text += fmt::format("  {:>9} {:>14} {:>11.2f} {:>11.2f} {:>7.3f}  {:<13}  {}\n", size_of(*each.b.row),
                          shape_of(*each.b.row), each.a.mean_us, each.b.mean_us, each.result.ratio,
                          interval_of(each.result), verdict_of(each, gated));
    }
  }
  text += "\n";
  add_lines(text, stability_lines(comparison.stability));
  add_lines(text, rest_lines(comparison));
  add_lines(text, summary_of(comparison));
  return text;
}

std::string comparison_markdown(const ReportComparison& comparison, const ComparedReports& reports) {
  std::string text =
      fmt::format("# {} and {}\n\n- A: `{}`: {}\n- B: `{}`: {}\n\n## Environment\n\n", reports.a_name, reports.b_name,
                  reports.a_name, head_of(reports.a), reports.b_name, head_of(reports.b));
  if (comparison.environment.empty()) {
    text += "No difference.\n";
  } else {
    text += "| what | A | B |\n|---|---|---|\n";
    for (const auto& one : comparison.environment) text += fmt::format("| {} | {} | {} |\n", one.key, one.a, one.b);
  }
  text += "\n## Verdicts\n\n";
  add_lines(text, verdict_lines("A", reports.a), "    ");
  add_lines(text, verdict_lines("B", reports.b), "    ");
  const bool gated = comparison.max_regress.has_value();
  text += fmt::format(
      "\n## Times\n\n| case | allocator | A us | B us | B/A | 95 % interval | {} |\n|---|---|---:|---:|---:|"
      "---|---|\n",
      gated ? "gate" : "verdict");
  for (const auto& each : comparison.cases) {
    const auto [case_id, allocator] = name_of_row(*each.b.row);
    text += fmt::format("| {} | {} | {:.2f} | {:.2f} | {:.3f} | {} | {} |\n", case_id, allocator, each.a.mean_us,
                        each.b.mean_us, each.result.ratio, interval_of(each.result), verdict_of(each, gated));
  }
  if (!comparison.stability.empty()) {
    text += "\n## Lifecycles\n\n";
    add_lines(text, stability_lines(comparison.stability), "    ");
  }
  const auto rest = rest_lines(comparison);
  if (!rest.empty()) {
    text += "\n## Not compared\n\n";
    add_lines(text, rest, "    ");
  }
  text += "\n## What it comes to\n\n";
  add_lines(text, summary_of(comparison), "- ");
  return text;
}

Json comparison_json(const ReportComparison& comparison, const ComparedReports& reports) {
  Json environment = Json::array(), cases = Json::array(), without = Json::array();
  for (const auto& one : comparison.environment) {
    environment.push_back({{"key", one.key},
                           {"a", one.a},
                           {"b", one.b},
                           {"identity", one.identity},
                           {"other_machine", one.other_machine}});
  }
  Json outcomes = Json::array();
  for (const auto& one : comparison.outcomes) outcomes.push_back(to_json(one));
  for (const auto& each : comparison.cases) cases.push_back(to_json(each, comparison.max_regress));
  for (const auto& [name, why] : comparison.not_compared) {
    without.push_back({{"case_id", name.first}, {"allocator", name.second}, {"reason", why}});
  }
  Json summary{{"cases", comparison.cases.size()}};
  for (const auto verdict : {PairVerdict::same, PairVerdict::faster, PairVerdict::slower, PairVerdict::ambiguous}) {
    summary[std::string(name_of(verdict))] = comparison.count(verdict);
  }
  summary["ratio_geometric_mean"] = json_or_null(comparison.mean_ratio());
  Json gate = nullptr;
  if (comparison.max_regress) {
    gate = {{"max_regress_percent", *comparison.max_regress},
            {"level", kGateLevel},
            {"status", status_name(comparison.gate_status())}};
    for (const auto verdict :
         {GateVerdict::regressed, GateVerdict::within, GateVerdict::undecided, GateVerdict::not_judged}) {
      gate[std::string(name_of(verdict))] = comparison.count(verdict);
    }
  }
  return {{"a", report_json(reports.a, reports.a_name)},
          {"b", report_json(reports.b, reports.b_name)},
          {"environment", std::move(environment)},
          {"outcomes", std::move(outcomes)},
          {"cases", std::move(cases)},
          {"stability", comparison.stability},
          {"only_in_a", names_json(comparison.only_in_a)},
          {"only_in_b", names_json(comparison.only_in_b)},
          {"not_compared", std::move(without)},
          {"run_spread", comparison.run_spread},
          {"excess_scatter", comparison.scatter},
          {"summary", std::move(summary)},
          {"gate", std::move(gate)},
          {"text", summary_of(comparison)}};
}

}  // namespace symmbench
