#include "gate/run_limits.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

#include "config/option_value.hpp"
#include "gate/compare_reports.hpp"
#include "report/pick.hpp"

namespace symmbench {
namespace {

/// Takes `read`, whose objections are told with the option that named the file.
template <class Read>
auto as_option(const char* option, Read&& read) {
  try {
    return read();
  } catch (const Error& error) {
    Failure failure = error.failure();
    failure.detail = fmt::format("{}: {}", option, failure.detail);
    throw Error(failure);
  }
}

constexpr std::size_t kMostNamed = 3;

/// A limit, and the row that it is held against.
struct Check {
  const char* against = "";  ///< "baseline", "threshold"
  RowName name;
  const Json* row = nullptr;  ///< nullptr: not measured, and `why`
  Slowdown slowdown;
  double limit_ratio = 1;
  std::string unit;
  Json limit = nullptr, value = nullptr;  ///< in `unit`
  std::string why;
};

void add_baseline_checks(std::vector<Check>& checks, const Baseline& baseline, const ReportRows& rows,
                         SeriesNumbers& series) {
  const ReportRows before(baseline.report);
  for (const auto& name : rows.names()) {
    const auto reference = before.measured(name);
    if (!reference) continue;  // no limit to keep
    const double limit_ratio = 1 + baseline.max_regress / 100;
    Check check{.against = "baseline",
                .name = name,
                .limit_ratio = limit_ratio,
                .unit = "us",
                .limit = reference->mean_us * limit_ratio};
    if (const auto measured = rows.measured(name)) {
      check.row = measured->row;
      check.value = measured->mean_us;
      check.slowdown = *slowdown_between(reference->times, measured->times, series.of(*measured->row));
    } else {
      check.why = rows.why_not_measured(name);
    }
    checks.push_back(std::move(check));
  }
}

void add_threshold_checks(std::vector<Check>& checks, const Thresholds& thresholds, const ReportRows& rows,
                          SeriesNumbers& series) {
  std::map<RowName, const Threshold*> limits;
  for (const auto& threshold : thresholds.limits) limits[threshold.name] = &threshold;
  for (const auto& name : rows.names()) {
    const auto at = limits.find(name);
    if (at == limits.end()) continue;
    const Threshold& threshold = *at->second;
    Check check{.against = "threshold",
                .name = name,
                .limit_ratio = threshold.limit_us / threshold.reference_us,
                .unit = threshold.unit,
                .limit = threshold.limit};
    if (const auto measured = rows.measured(name)) {
      check.row = measured->row;
      check.value = threshold.unit == "us" ? Json(measured->mean_us) : pick_number(*measured->row, "busbw_gbs");
      check.slowdown = *slowdown_over(threshold.reference_us, measured->times, series.of(*measured->row));
      check.slowdown.runs += 1 / static_cast<double>(threshold.origins);  // the reference is a mean of runs
    } else {
      check.why = rows.why_not_measured(name);
    }
    checks.push_back(std::move(check));
  }
}

Json check_json(const Check& check, const SlowdownResult& result) {
  Json entry{{"against", check.against}, {"case_id", check.name.first}, {"allocator", check.name.second}};
  const Json none = Json::object();
  const Json& row = check.row == nullptr ? none : *check.row;
  for (const char* key : {"workspace", "pattern", "algorithm", "dtype"}) entry[key] = pick_text(row, key);
  entry["message_bytes"] = pick_integer(row, "message_bytes");
  entry["unit"] = check.unit;
  entry["limit"] = check.limit;
  entry["value"] = check.value;
  entry["ratio"] = check.row == nullptr ? Json(nullptr) : Json(result.ratio);
  entry["limit_ratio"] = check.limit_ratio;
  entry["ratio_at_least"] = json_or_null(result.at_least);
  entry["ratio_at_most"] = json_or_null(result.at_most);
  entry["samples"] = result.samples;
  entry["placements"] = result.placements;
  entry["verdict"] = name_of(result.gate);
  entry["reason"] = check.row == nullptr                     ? Json(check.why)
                    : result.gate == GateVerdict::not_judged ? Json(result.reason)
                                                             : Json(nullptr);
  return entry;
}

/// "regressed, 3 within, 2 undecided" and the like, or why nothing could be judged.
std::pair<const char*, Json> status_of(const std::vector<Check>& checks, const std::vector<SlowdownResult>& results) {
  const auto count = [&](GateVerdict verdict) {
    return std::count_if(results.begin(), results.end(), [&](const auto& result) { return result.gate == verdict; });
  };
  if (count(GateVerdict::regressed) > 0) return {"failed", nullptr};
  if (checks.empty()) return {"no_verdict", "no row of this run has a limit"};
  if (count(GateVerdict::not_judged) < static_cast<std::ptrdiff_t>(results.size())) return {"passed", nullptr};
  const Check& first = checks.front();
  return {"no_verdict", "no row could be judged: " + (first.row == nullptr ? first.why : results.front().reason)};
}

/// "a (symm), b (torch) and 5 more".
std::string named(const std::vector<RowName>& names) {
  std::vector<std::string> shown;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNamed); ++i) {
    shown.push_back(fmt::format("{} ({})", names[i].first, names[i].second));
  }
  return fmt::format("{}{}", fmt::join(shown, ", "),
                     names.size() > kMostNamed ? fmt::format(" and {} more", names.size() - kMostNamed) : "");
}

/// Another device kind than the one that was asked for by name.
void check_device(const std::string& what, DeviceChoice asked, const std::map<std::string, std::string>& machine) {
  if (asked == DeviceChoice::automatic) return;
  const std::string kind = asked == DeviceChoice::host ? "host" : "cuda";
  const auto made_on = machine.find("device_kind");
  if (made_on == machine.end() || made_on->second == kind) return;
  fail_config(fmt::format("{}: of a {} device, and --device is {}", what, made_on->second, kind));
}

Baseline read_baseline(const RunConfig& config, const std::vector<RowName>& planned) {
  Baseline baseline{.name = *config.baseline, .report = {}, .max_regress = *config.max_regress};
  baseline.report = as_option("--baseline", [&] { return read_report(baseline.name); });
  const auto what = fmt::format("--baseline '{}'", baseline.name);
  if (const auto why = unfit_for_gates(baseline.report)) fail_config(fmt::format("{}: {}", what, *why));
  check_device(what, config.device, machine_of(baseline.report));
  const ReportRows rows(baseline.report);
  const bool common =
      std::any_of(planned.begin(), planned.end(), [&](const RowName& name) { return rows.measured(name).has_value(); });
  if (!common) {
    fail_config(fmt::format("{}: no row in common with this run, which plans {}, and it has {}", what, named(planned),
                            named(rows.names())));
  }
  return baseline;
}

Thresholds read_limits(const RunConfig& config, const std::vector<RowName>& planned) {
  Thresholds thresholds = as_option("--threshold", [&] { return read_thresholds(*config.threshold); });
  const auto what = fmt::format("--threshold '{}'", *config.threshold);
  check_device(what, config.device, thresholds.machine);
  const std::set<RowName> known(planned.begin(), planned.end());
  std::vector<RowName> unknown;
  for (const auto& limit : thresholds.limits) {
    if (!known.contains(limit.name)) unknown.push_back(limit.name);
  }
  if (unknown.empty()) return thresholds;
  fail_config(fmt::format("{}: has limits for rows that this run does not plan, and so would not keep: {}; it plans {}",
                          what, named(unknown), named(planned)));
}

}  // namespace

RunLimits::RunLimits(std::optional<Baseline> baseline, std::optional<Thresholds> thresholds,
                     std::string thresholds_name)
    : baseline_(std::move(baseline)),
      thresholds_(std::move(thresholds)),
      thresholds_name_(std::move(thresholds_name)) {}

std::optional<std::string> RunLimits::objection(const Json& report) const {
  const auto here = machine_of(report);
  if (baseline_) {
    const auto other = why_other_machine(machine_of(baseline_->report), here);
    if (!other.empty()) return fmt::format("--baseline '{}' is of another machine: {}", baseline_->name, other);
  }
  if (thresholds_) {
    const auto other = why_other_machine(thresholds_->machine, here);
    if (!other.empty()) return fmt::format("--threshold '{}' is of another machine: {}", thresholds_name_, other);
  }
  return std::nullopt;
}

Json RunLimits::judge(const Json& report) const {
  const ReportRows rows(report);
  SeriesNumbers of_baseline, of_thresholds;
  std::vector<Check> checks, of_limits;
  if (baseline_) add_baseline_checks(checks, *baseline_, rows, of_baseline);
  if (thresholds_) add_threshold_checks(of_limits, *thresholds_, rows, of_thresholds);
  for (Check& check : of_limits) {
    check.slowdown.series += report.at("results").size();  // none of those before
    checks.push_back(std::move(check));
  }
  std::vector<Slowdown> family;
  std::vector<double> limits;
  for (const Check& check : checks) {
    family.push_back(check.slowdown);
    limits.push_back(check.limit_ratio);
  }
  const auto results = judge_slowdowns(family, limits, run_spread_of(report));
  Json list = Json::array();
  for (std::size_t i = 0; i < checks.size(); ++i) list.push_back(check_json(checks[i], results[i]));
  const auto [status, reason] = status_of(checks, results);
  Json baseline = nullptr, threshold = nullptr;
  if (baseline_) {
    baseline = {{"file", baseline_->name},
                {"started_at", pick_text(member_of(baseline_->report, "run"), "started_at")},
                {"git", pick_text(member_of(baseline_->report, "tool"), "git")}};
  }
  if (thresholds_) threshold = {{"file", thresholds_name_}, {"made_at", thresholds_->made_at}};
  return {{"status", status},
          {"reason", reason},
          {"baseline", std::move(baseline)},
          {"threshold", std::move(threshold)},
          {"max_regress_percent", baseline_ ? Json(baseline_->max_regress) : Json(nullptr)},
          {"level", kGateLevel},
          {"checks", std::move(list)}};
}

std::unique_ptr<RunGate> make_run_gate(const RunConfig& config, std::span<const Json> planned) {
  if (!config.baseline && !config.threshold) return nullptr;
  std::vector<RowName> names;
  for (const Json& row : planned) names.push_back(name_of_row(row));
  std::optional<Baseline> baseline;
  std::optional<Thresholds> thresholds;
  if (config.baseline) baseline = read_baseline(config, names);
  if (config.threshold) thresholds = read_limits(config, names);
  return std::make_unique<RunLimits>(std::move(baseline), std::move(thresholds), config.threshold.value_or(""));
}

}  // namespace symmbench
