#include "page/comparison_sections.hpp"

#include <fmt/format.h>

#include "core/text.hpp"
#include "gate/compare_reports.hpp"
#include "page/element.hpp"
#include "report/text.hpp"

namespace symmbench {
namespace {

void add_environment(pugi::xml_node body, const ReportComparison& comparison) {
  add(body, "h3", "What differs in their surroundings");
  if (comparison.environment.empty()) {
    add(body, "p", "Nothing.");
    return;
  }
  PageTable table(body, {"what", "A", "B"});
  for (const auto& one : comparison.environment) {
    const std::string style = one.identity ? "quiet" : "";
    table.add_row({{one.key, style}, {one.a, style}, {one.b, style}});
  }
}

void add_cases(pugi::xml_node body, const ReportComparison& comparison) {
  if (comparison.cases.empty()) return;
  add(body, "h3", "Times of B over A");
  PageTable table(body, {"case", "allocator", "A us", "B us", "B/A", "interval", "B is", "why"});
  for (const auto& [a, b, result] : comparison.cases) {
    const auto [case_id, allocator] = name_of_row(*b.row);
    table.add_row({{case_id, "name"},
                   {allocator},
                   {fmt::format("{:.2f}", a.mean_us), "number"},
                   {fmt::format("{:.2f}", b.mean_us), "number"},
                   {fmt::format("{:.3f}", result.ratio), "number"},
                   {result.interval ? fmt::format("{:.3f} to {:.3f}", result.interval->low, result.interval->high) : "",
                    "number"},
                   {shown_verdict(std::string(name_of(result.verdict)))},
                   {result.reason, "words"}});
  }
  if (const auto mean = comparison.mean_ratio()) {
    add(body, "p", fmt::format("{:.3f} in the geometric mean of {} cases.", *mean, comparison.cases.size()));
  }
}

void add_names(pugi::xml_node body, const std::string& title, const std::vector<RowName>& names) {
  if (names.empty()) return;
  add(body, "h3", title);
  PageTable table(body, {"case", "allocator"});
  for (const auto& [case_id, allocator] : names) table.add_row({{case_id, "name"}, {allocator}});
}

}  // namespace

void add_other_report(pugi::xml_node body, const NamedReport& a, const NamedReport& b) {
  const ReportComparison comparison = compare_reports(a.report, b.report, std::nullopt);
  add(body, "h2", fmt::format("Against {}", b.name));
  add(body, "p", fmt::format("A is {}, B is {}.", a.name, b.name));
  if (const auto why = why_other_machine(comparison.environment); !why.empty()) {
    add_styled(body, "p", "banner", fmt::format("Their times say nothing about each other: {}.", why));
  }
  add_environment(body, comparison);
  add_cases(body, comparison);
  if (!comparison.not_compared.empty()) {
    add(body, "h3", "Without times in one of them");
    PageTable table(body, {"case", "allocator", "why"});
    for (const auto& [name, why] : comparison.not_compared)
      table.add_row({{name.first, "name"}, {name.second}, {why, "words"}});
  }
  add_names(body, "Only in A", comparison.only_in_a);
  add_names(body, "Only in B", comparison.only_in_b);
}

}  // namespace symmbench
