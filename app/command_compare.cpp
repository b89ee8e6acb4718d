#include "app/command_compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <iterator>
#include <utility>
#include <vector>

#include "app/kept.hpp"
#include "app/product.hpp"
#include "config/option_value.hpp"
#include "gate/comparison_text.hpp"
#include "report/verdict.hpp"

namespace symmbench {
namespace {

struct Format {
  std::string_view name;
  std::string (*text_of)(const ReportComparison& comparison, const ComparedReports& reports);
};
constexpr Format kFormats[] = {
    {"text", comparison_text},
    {"json", [](const ReportComparison& comparison,
                const ComparedReports& reports) { return comparison_json(comparison, reports).dump(2) + "\n"; }},
    {"markdown", comparison_markdown}};

const Format& format_named(const std::string& name) {
  const auto* at =
      std::find_if(std::begin(kFormats), std::end(kFormats), [&](const Format& format) { return format.name == name; });
  if (at == std::end(kFormats)) fail_config(fmt::format("--format '{}': not one of text, json, markdown", name));
  return *at;
}

ExitCode exit_code_of(const ReportComparison& comparison) {
  if (!comparison.max_regress) return ExitCode::passed;
  switch (comparison.gate_status()) {
    case ReportComparison::GateStatus::failed:
      return ExitCode::failed;
    case ReportComparison::GateStatus::no_verdict:
      return ExitCode::no_verdict;
    case ReportComparison::GateStatus::passed:
      break;
  }
  return ExitCode::passed;
}

int compare_two(const ParsedCommand& parsed) {
  const Format& format = format_named(parsed.format);
  if (parsed.subjects.size() != 2) {
    fail_config(fmt::format("needs two reports, A.json and B.json, and has {}", parsed.subjects.size()));
  }
  const auto &a_name = parsed.subjects[0], &b_name = parsed.subjects[1];
  // Reading takes most of the time of a large report, so both are read at once.
  auto reading = std::async(std::launch::async, read_report, b_name);
  std::vector<Json> read;
  read.push_back(read_report(a_name));
  read.push_back(reading.get());
  const auto& reports = kept(std::move(read));
  const Json &a = reports[0], &b = reports[1];
  const ReportComparison comparison = compare_reports(a, b, parsed.max_regress);
  if (parsed.max_regress) {
    if (const auto why = why_no_gate(comparison, a, a_name, b, b_name)) {
      fail_config(fmt::format("--max-regress: {}; without it they are compared all the same", *why));
    }
  }
  print_product(format.text_of(comparison, {a, b, a_name, b_name}));
  return static_cast<int>(exit_code_of(comparison));
}

}  // namespace

int command_compare(const ParsedCommand& parsed) { return with_name(parsed, compare_two); }

}  // namespace symmbench
