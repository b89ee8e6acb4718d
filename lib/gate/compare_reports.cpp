#include "gate/compare_reports.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "gate/stability.hpp"
#include "report/pick.hpp"

namespace symmbench {
namespace {

Json interval_end(const std::optional<Interval>& interval, double Interval::*end) {
  return interval ? Json((*interval).*end) : Json(nullptr);
}

void pair_rows(ReportComparison& comparison, const Json& a, const Json& b) {
  const ReportRows a_rows(a), b_rows(b);
  for (const auto& name : b_rows.names()) {
    if (a_rows.row(name) == nullptr) {
      comparison.only_in_b.push_back(name);
      continue;
    }
    auto before = a_rows.measured(name), after = b_rows.measured(name);
    if (before && after) {
      comparison.cases.push_back({std::move(*before), std::move(*after), {}});
    } else {
      comparison.not_compared.push_back(
          {name, before ? "in B " + b_rows.why_not_measured(name) : "in A " + a_rows.why_not_measured(name)});
    }
  }
  for (const auto& name : a_rows.names()) {
    if (b_rows.row(name) == nullptr) comparison.only_in_a.push_back(name);
  }
}

}  // namespace

ReportComparison::GateStatus ReportComparison::gate_status() const {
  if (count(GateVerdict::regressed) > 0) return GateStatus::failed;
  return count(GateVerdict::not_judged) == cases.size() ? GateStatus::no_verdict : GateStatus::passed;
}

std::size_t ReportComparison::count(PairVerdict verdict) const {
  return static_cast<std::size_t>(std::count_if(
      cases.begin(), cases.end(), [&](const ComparedCase& each) { return each.result.verdict == verdict; }));
}

std::size_t ReportComparison::count(GateVerdict verdict) const {
  return static_cast<std::size_t>(
      std::count_if(cases.begin(), cases.end(), [&](const ComparedCase& each) { return each.result.gate == verdict; }));
}

std::optional<double> ReportComparison::mean_ratio() const {
  if (cases.empty()) return std::nullopt;
  double sum = 0;
  for (const auto& each : cases) sum += std::log(each.result.ratio);
  return std::exp(sum / static_cast<double>(cases.size()));
}

std::optional<double> ReportComparison::smallest_found() const {
  std::vector<double> needed;
  for (const auto& each : cases) {
    if (each.result.at_least) needed.push_back((1 + *max_regress / 100) * each.result.ratio / *each.result.at_least);
  }
  return needed.empty() ? std::nullopt : std::optional(median(std::move(needed)));
}

ReportComparison compare_reports(const Json& a, const Json& b, std::optional<double> max_regress) {
  ReportComparison comparison{.environment = environment_differences(a, b),
                              .max_regress = max_regress,
                              .run_spread = std::max(run_spread_of(a), run_spread_of(b))};
  pair_rows(comparison, a, b);
  comparison.outcomes = outcome_differences(a, b);
  comparison.stability = compared_stability(a, b);
  SeriesNumbers series;
  std::vector<Slowdown> family;
  for (const auto& each : comparison.cases) {
    family.push_back(*slowdown_between(each.a.times, each.b.times, series.of(*each.b.row)));
  }
  comparison.scatter = excess_scatter(family);
  const std::vector<double> limits(family.size(), 1 + max_regress.value_or(0) / 100);
  auto results = judge_slowdowns(family, limits, comparison.run_spread);
  for (std::size_t i = 0; i < results.size(); ++i) comparison.cases[i].result = std::move(results[i]);
  return comparison;
}

std::optional<std::string> why_no_gate(const ReportComparison& comparison, const Json& a, const std::string& a_name,
                                       const Json& b, const std::string& b_name) {
  for (const auto& [report, name] : {std::pair(&a, &a_name), std::pair(&b, &b_name)}) {
    if (const auto why = unfit_for_gates(*report)) return fmt::format("'{}': {}", *name, *why);
  }
  if (const auto other = why_other_machine(comparison.environment); !other.empty()) {
    return fmt::format("'{}' and '{}' are of machines whose times cannot be held against each other: {}", a_name,
                       b_name, other);
  }
  if (!comparison.cases.empty()) return std::nullopt;
  return fmt::format("'{}' and '{}' have no case in common that both measured", a_name, b_name);
}

Json to_json(const ComparedCase& compared, std::optional<double> max_regress) {
  const Json& row = *compared.b.row;
  const SlowdownResult& result = compared.result;
  Json entry{{"case_id", pick_text(row, "case_id")}, {"allocator", pick_text(row, "allocator")}};
  for (const char* key : {"workspace", "transport"}) entry[key] = pick_text(row, key);
  entry["handle"] = pick_text(member_of(row, "handle"), "asked");
  for (const char* key : {"group", "group_size"}) entry[key] = pick_integer(row, key);
  for (const char* key : {"pattern", "algorithm", "dtype"}) entry[key] = pick_text(row, key);
  entry["in_place"] = pick_flag(row, "in_place");
  for (const char* key : {"tokens", "hidden", "message_bytes"}) entry[key] = pick_integer(row, key);
  entry["time_a_us"] = compared.a.mean_us;
  entry["time_b_us"] = compared.b.mean_us;
  entry["ratio"] = result.ratio;
  entry["ci_low"] = interval_end(result.interval, &Interval::low);
  entry["ci_high"] = interval_end(result.interval, &Interval::high);
  entry["samples"] = result.samples;
  entry["placements"] = result.placements;
  entry["verdict"] = name_of(result.verdict);
  entry["reason"] = result.reason;
  if (!max_regress) return entry;
  entry["limit_ratio"] = 1 + *max_regress / 100;
  entry["ratio_at_least"] = json_or_null(result.at_least);
  entry["ratio_at_most"] = json_or_null(result.at_most);
  entry["gate"] = name_of(result.gate);
  return entry;
}

}  // namespace symmbench
