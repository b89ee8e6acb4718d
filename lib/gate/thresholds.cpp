#include "gate/thresholds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "config/option_value.hpp"
#include "gate/environment.hpp"
#include "report/pick.hpp"
#include "report/schema_validation.hpp"

namespace symmbench {
namespace {

constexpr const char *kTime = "us", *kBandwidth = "gbs";

/// What one report measured of a row.
struct Origin {
  std::string report, started_at;
  std::size_t samples = 0, placements = 0;
  double time_us = 0;
  std::optional<double> busbw_gbs;
};

struct LimitSource {
  const Json* row = nullptr;  ///< of the first report that has it
  std::vector<Origin> origins;
};

std::optional<double> busbw_of(const Json& row) {
  const Json& value = member_of(row, "busbw_gbs");
  const bool usable = value.is_number() && std::isfinite(value.get<double>()) && value.get<double>() > 0;
  return usable ? std::optional(value.get<double>()) : std::nullopt;
}

bool limits_bandwidth(const LimitSource& source) {
  const Json& bytes = member_of(*source.row, "message_bytes");
  return bytes.is_number_unsigned() && bytes.get<std::uint64_t>() >= kLimitIsBandwidthFrom &&
         std::all_of(source.origins.begin(), source.origins.end(),
                     [](const Origin& origin) { return origin.busbw_gbs.has_value(); });
}

double limit_of(const LimitSource& source, bool bandwidth, double margin) {
  const double more = 1 + margin / 100;
  double slowest_us = 0, smallest_gbs = INFINITY;
  for (const Origin& origin : source.origins) {
    slowest_us = std::max(slowest_us, origin.time_us);
    smallest_gbs = std::min(smallest_gbs, origin.busbw_gbs.value_or(INFINITY));
  }
  return bandwidth ? smallest_gbs / more : slowest_us * more;
}

Json limit_json(const LimitSource& source, double margin) {
  const Json& row = *source.row;
  const bool bandwidth = limits_bandwidth(source);
  Json origins = Json::array();
  for (const Origin& origin : source.origins) {
    origins.push_back({{"report", origin.report},
                       {"started_at", origin.started_at.empty() ? Json(nullptr) : Json(origin.started_at)},
                       {"samples", origin.samples},
                       {"placements", origin.placements},
                       {"time_us", origin.time_us},
                       {"busbw_gbs", json_or_null(origin.busbw_gbs)}});
  }
  return {{"case_id", pick_text(row, "case_id")},
          {"allocator", pick_text(row, "allocator")},
          {"workspace", pick_text(row, "workspace")},
          {"pattern", pick_text(row, "pattern")},
          {"dtype", pick_text(row, "dtype")},
          {"algorithm", pick_text(row, "algorithm")},
          {"ranks", pick_integer(row, "group_size")},
          {"message_bytes", pick_integer(row, "message_bytes")},
          {"unit", bandwidth ? kBandwidth : kTime},
          {"limit", limit_of(source, bandwidth, margin)},
          {"origin", std::move(origins)}};
}

/// A row's limits so far, and those that it can make none of.
class Collected {
 public:
  void add(const GoodReport& good) {
    const ReportRows rows(good.report);
    for (const auto& name : rows.names()) {
      const auto measured = rows.measured(name);
      const auto why = measured ? too_few_to_decide(measured->times.placement_us.size(), measured->times.samples)
                                : std::optional(rows.why_not_measured(name));
      if (why) {
        left_out.push_back(fmt::format("'{}': {} {}: {}", good.name, name.first, name.second, *why));
        continue;
      }
      if (!sources_.contains(name)) order_.push_back(name);
      LimitSource& source = sources_[name];
      if (source.row == nullptr) source.row = measured->row;
      source.origins.push_back({.report = good.name,
                                .started_at = text_or(member_of(good.report, "run"), "started_at"),
                                .samples = measured->times.samples,
                                .placements = measured->times.placement_us.size(),
                                .time_us = measured->mean_us,
                                .busbw_gbs = busbw_of(*measured->row)});
    }
  }

  Json limits(double margin) const {
    Json list = Json::array();
    for (const auto& name : order_) list.push_back(limit_json(sources_.at(name), margin));
    return list;
  }

  std::vector<std::string> left_out;

 private:
  std::vector<RowName> order_;
  std::map<RowName, LimitSource> sources_;
};

void check_machines(const std::vector<GoodReport>& reports) {
  const auto& first = reports.front();
  for (const auto& good : reports) {
    if (const auto why = unfit_for_gates(good.report)) fail_config(fmt::format("'{}': {}", good.name, *why));
    const auto other = why_other_machine(machine_of(first.report), machine_of(good.report));
    if (other.empty()) continue;
    fail_config(fmt::format("'{}' and '{}' are of machines whose times make no common limits: {}", first.name,
                            good.name, other));
  }
}

/// @throws Error{config, ...} for what the schema allows and no limit can be read from
Threshold threshold_of(const Json& entry, const std::string& where) {
  Threshold threshold{.name = name_of_row(entry),
                      .unit = entry.at("unit").get<std::string>(),
                      .limit = entry.at("limit").get<double>()};
  const Json& origins = entry.at("origin");
  double sum = 0;
  for (const Json& origin : origins) sum += std::log(origin.at("time_us").get<double>());
  threshold.reference_us = std::exp(sum / static_cast<double>(origins.size()));
  threshold.origins = origins.size();
  threshold.limit_us = threshold.limit;
  if (threshold.unit == kBandwidth) {
    // Bandwidth times time is the same for all of a row: its bytes on the bus.
    const Json& first = origins.front();
    const Json& busbw = first.at("busbw_gbs");
    if (!busbw.is_number()) fail_config(where + "/origin/0/busbw_gbs: a limit in GB/s needs the bandwidth behind it");
    threshold.limit_us = busbw.get<double>() * first.at("time_us").get<double>() / threshold.limit;
  }
  const bool usable = std::isfinite(threshold.limit_us) && threshold.limit_us > 0 && threshold.reference_us > 0;
  if (!usable) fail_config(where + "/limit: makes no time");
  return threshold;
}

}  // namespace

MadeThresholds make_thresholds(const std::vector<GoodReport>& reports, double margin, const Json& tool,
                               const std::string& made_at) {
  check_machines(reports);
  Collected collected;
  for (const auto& good : reports) collected.add(good);
  Json limits = collected.limits(margin);
  if (limits.empty()) {
    fail_config(fmt::format("no row has placements and samples enough for a limit: {}", collected.left_out.front()));
  }
  Json machine = Json::object();
  for (const auto& [key, value] : machine_of(reports.front().report)) machine[key] = value;
  return {.file = {{"schema_version", kThresholdsVersion},
                   {"made_at", made_at},
                   {"tool", tool},
                   {"margin_percent", margin},
                   {"machine", std::move(machine)},
                   {"thresholds", std::move(limits)}},
          .left_out = std::move(collected.left_out)};
}

Thresholds read_thresholds(const std::string& path) {
  const Json file = read_json_file(path);
  const auto version = text_or(file, "schema_version");
  if (!member_of(file, "thresholds").is_array()) fail_config(fmt::format("'{}': not a threshold file", path));
  if (!same_major(version, kThresholdsVersion)) {
    fail_config(fmt::format("'{}': thresholds of schema {}, and this program reads {}: another major version", path,
                            version.empty() ? "unknown" : version, kThresholdsVersion));
  }
  if (const auto violations = validate(file, schema_text("thresholds")); !violations.empty()) {
    fail_config(fmt::format("'{}': {}: {}", path, violations.front().path, violations.front().message));
  }
  Thresholds thresholds{.made_at = text_or(file, "made_at"), .machine = {}, .limits = {}};
  for (const auto& [key, value] : file.at("machine").items()) thresholds.machine[key] = value.get<std::string>();
  std::set<RowName> seen;
  for (const Json& entry : file.at("thresholds")) {
    const auto where = fmt::format("'{}': /thresholds/{}", path, thresholds.limits.size());
    thresholds.limits.push_back(threshold_of(entry, where));
    const auto& name = thresholds.limits.back().name;
    if (!seen.insert(name).second) fail_config(fmt::format("{}: {} {} is there twice", where, name.first, name.second));
  }
  return thresholds;
}

}  // namespace symmbench
