#include "gate/report_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "catalog/pattern_parameters.hpp"
#include "config/option_value.hpp"
#include "core/document.hpp"
#include "report/fold.hpp"
#include "report/pick.hpp"

namespace symmbench {
namespace {

constexpr double kEmulatedSpread = 1.5;

/// What makes reports large, and no comparison or gate looks at.
constexpr std::string_view kNotLookedAt[] = {
    "comparison",          "transport_comparison",   "crossover",         "findings",
    "results[].attempts",  "results[].blame",        "results[].skew_us", "results[].upstream_choice",
    "results[].max_error", "results[].rank_mean_us", "results[].variant", "results[].slowed_ranks"};

std::optional<double> positive(const Json& value) {
  if (!value.is_number()) return std::nullopt;
  const double number = value.get<double>();
  return std::isfinite(number) && number > 0 ? std::optional(number) : std::nullopt;
}

Json checked_report(const std::string& path, LeftOut left_out) {
  Json report = parse_without_lines(read_text_file(path, path), path, left_out);
  const auto version = text_or(report, "schema_version");
  const bool looks_like_one = !version.empty() && member_of(report, "results").is_array();
  if (!looks_like_one) fail_config(fmt::format("'{}': not a report of symmbench", path));
  if (!same_major(version, kReportSchemaVersion)) {
    fail_config(fmt::format("'{}': a report of schema {}, and this program reads {}: another major version", path,
                            version, kReportSchemaVersion));
  }
  return report;
}

std::vector<double> placements_of(const Json& row) {
  const Json& list = member_of(row, "placement_us");
  std::vector<double> times;
  if (!list.is_array()) return times;
  for (const Json& one : list) {
    const auto time = positive(one);
    if (!time) return {};
    times.push_back(*time);
  }
  return times;
}

std::size_t samples_of_row(const Json& row) {
  const Json& samples = member_of(member_of(row, "time_us"), "samples");
  return samples.is_number_unsigned() ? samples.get<std::size_t>() : 0;
}

}  // namespace

bool same_major(std::string_view version, std::string_view other) {
  return version.substr(0, version.find('.')) == other.substr(0, other.find('.'));
}

Json read_report(const std::string& path) { return checked_report(path, kNotLookedAt); }
Json read_whole_report(const std::string& path) { return checked_report(path, {}); }

RowName name_of_row(const Json& row) { return {text_or(row, "case_id"), text_or(row, "allocator")}; }

ReportRows::ReportRows(const Json& report) {
  const Json& results = member_of(report, "results");
  if (!results.is_array()) return;
  for (const Json& row : results) {
    const auto name = name_of_row(row);
    if (rows_.emplace(name, &row).second) order_.push_back(name);
  }
}

const Json* ReportRows::row(const RowName& name) const {
  const auto at = rows_.find(name);
  return at == rows_.end() ? nullptr : at->second;
}

std::optional<MeasuredRow> ReportRows::measured(const RowName& name) const {
  const Json* found = row(name);
  if (found == nullptr || text_or(*found, "status") != "ok") return std::nullopt;
  const auto mean_us = positive(member_of(member_of(*found, "time_us"), "mean"));
  auto placements = placements_of(*found);
  if (!mean_us || placements.empty()) return std::nullopt;
  return MeasuredRow{found, {.placement_us = std::move(placements), .samples = samples_of_row(*found)}, *mean_us};
}

std::string ReportRows::why_not_measured(const RowName& name) const {
  const Json& found = *row(name);
  const auto status = text_or(found, "status", "of unknown status");
  if (status != "ok") return fmt::format("{}: {}", status, text_or(found, "reason", "no reason given"));
  if (!member_of(found, "placement_us").is_array())
    return "no times by placement: reports have them from schema 1.5.0 on";
  return "no times";
}

std::size_t SeriesNumbers::of(const Json& row) {
  constexpr std::array kKeys{"allocator", "workspace",  "transport", "group", "group_size", "algorithm",    "pattern",
                             "dtype",     "accumulate", "in_place",  "pdl",   "trigger",    "buffers_asked"};
  Json key = Json::array({pick_text(member_of(row, "handle"), "asked")});
  for (const char* name : kKeys) key.push_back(member_of(row, name));
  PatternParameters::visit([&](std::string_view name, std::string_view, auto) { key.push_back(member_of(row, name)); });
  return numbers_.try_emplace(key.dump(-1, ' ', false, Json::error_handler_t::replace), numbers_.size()).first->second;
}

std::optional<std::string> unfit_for_gates(const Json& report) {
  const Json& run = member_of(report, "run");
  if (member_of(run, "complete") != true) {
    return fmt::format("is not complete: {}", text_or(run, "interrupted_by", "the run was cut off"));
  }
  const Json& injected = member_of(run, "injected");
  if (injected.is_array() && !injected.empty()) {
    const Json& first = injected.front();
    return fmt::format("has injected faults ({})", first.is_string() ? first.get<std::string>() : "unknown");
  }
  const ReportRows rows(report);
  const auto& names = rows.names();
  const auto has_times = [&](const RowName& name) { return rows.measured(name).has_value(); };
  if (std::any_of(names.begin(), names.end(), has_times)) return std::nullopt;
  return fmt::format("has no samples{}", names.empty() ? "" : " (" + rows.why_not_measured(names.front()) + ")");
}

double run_spread_of(const Json& report) {
  return member_of(member_of(report, "device"), "emulated") == false ? 0 : kEmulatedSpread;
}

}  // namespace symmbench
