#include "report/rows.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "catalog/row_keys.hpp"
#include "report/floors.hpp"
#include "report/pick.hpp"
#include "report/placements.hpp"
#include "report/reference.hpp"
#include "stats/bandwidth.hpp"
#include "stats/statistics.hpp"

namespace symmbench {
namespace {

Json failure_or_null(const std::optional<Failure>& failure) { return failure ? to_json(*failure) : Json(nullptr); }

Json attempts_json(const std::vector<Attempt>& attempts) {
  Json list = Json::array();
  for (const auto& attempt : attempts) {
    list.push_back({{"attempt", attempt.attempt},
                    {"alone", attempt.alone},
                    {"status", attempt.status},
                    {"failure", failure_or_null(attempt.failure)}});
  }
  return list;
}

/// How `key` was chosen, as the row's own record has it; before there is one, what was asked for.
Json choice_json(const Json& planned_row, const RowRecord* measured, std::string_view key) {
  const Json chosen = measured == nullptr ? Json(nullptr) : key == "handle" ? measured->handle : measured->multicast;
  if (chosen.is_object()) return pick_choice(chosen);
  return {{"asked", pick_text(planned_row, std::string(key) + "_asked")}, {"used", nullptr}, {"reason", nullptr}};
}

Json key_json(const RowKey& key, const Json& planned_row, const RowRecord* measured) {
  const Json launch = measured != nullptr ? measured->launch : Json(nullptr);
  const Json& source = key.source == KeySource::plan ? planned_row : launch;
  switch (key.type) {
    case KeyType::name:
      return text_or(source, key.name);
    case KeyType::text:
      return pick_text(source, key.name);
    case KeyType::integer:
      return pick_integer(source, key.name);
    case KeyType::number:
      return pick_number(source, key.name);
    case KeyType::flag:
      return pick_flag(source, key.name);
    case KeyType::choice:
      break;
  }
  return choice_json(planned_row, measured, key.name);
}

/// null where the row does not say what its message is.
Json upstream_choice_json(const Json& json, const UpstreamFacts& facts) {
  const int ranks = integer_or(json, "group_size", 0);
  const Json bytes = pick_integer(json, "message_bytes");
  if (ranks < 1 || !bytes.is_number_unsigned()) return nullptr;
  return upstream_choice(
      facts, {.ranks = ranks, .message_bytes = bytes.get<std::uint64_t>(), .pattern = text_or(json, "pattern")});
}

/// Mean times of the placements, in their order; null without samples.
Json placement_means_json(const RowRecord& row) {
  Json means = nullptr;
  for (const auto& [placement, time_us] : placement_means_us(row)) means.push_back(time_us);
  return means;
}

/// World rank with the largest mean time. Groups are contiguous, so member i of group g is world rank g * size + i.
Json slowest_rank(const RowRecord& row, int group_size) {
  if (row.rank_mean_us.empty()) return nullptr;
  const auto slowest = std::max_element(row.rank_mean_us.begin(), row.rank_mean_us.end());
  return row.group * group_size + static_cast<int>(slowest - row.rank_mean_us.begin());
}

/// Samples of blocks during which a GPU was slowed down: they count as all others do, and are told.
void add_slowed(Json& json, const RowRecord* row) {
  json["slowed_samples"] = json["slowed_ranks"] = nullptr;
  if (row == nullptr) return;
  std::set<int> ranks;
  std::size_t samples = 0;
  bool known = false;
  for (const SampleBlock& block : row->blocks) {
    known = known || block.slowed_ranks;
    if (!block.slowed_ranks || block.slowed_ranks->empty()) continue;
    samples += block.batch_us.size();
    ranks.insert(block.slowed_ranks->begin(), block.slowed_ranks->end());
  }
  if (!known) return;
  json["slowed_samples"] = samples;
  json["slowed_ranks"] = ranks;
}

void add_measurements(Json& json, const RowRecord* row, bool emulated, bool raw_samples, const Floors* floors) {
  const auto samples = row != nullptr ? samples_of(*row) : std::vector<double>{};
  const int group_size = integer_or(json, "group_size", 0);
  const Json message_bytes = pick_integer(json, "message_bytes");
  json["time_us"] = distribution_json(samples);
  json["placements"] = row != nullptr && !samples.empty() ? Json(placement_means_us(*row).size()) : Json(nullptr);
  json["placement_us"] = row != nullptr ? placement_means_json(*row) : Json(nullptr);
  json["placement_spread"] = row != nullptr ? json_or_null(placement_spread(*row)) : Json(nullptr);
  if (raw_samples) json["samples_us"] = samples;
  add_slowed(json, row);
  json["iterations_per_batch"] = row != nullptr ? Json(row->iterations_per_batch) : Json(nullptr);
  json["rank_mean_us"] = row != nullptr && !row->rank_mean_us.empty() ? Json(row->rank_mean_us) : Json(nullptr);
  json["slowest_rank"] = row != nullptr ? slowest_rank(*row, group_size) : Json(nullptr);
  json["skew_us"] = row != nullptr ? distribution_json(row->skew_us) : Json(nullptr);
  json["clock_error_us"] = row != nullptr ? json_or_null(row->clock_error_us) : Json(nullptr);

  Json algbw = nullptr, busbw = nullptr, wire = nullptr, limit = nullptr, of_limit = nullptr;
  if (message_bytes.is_number()) {
    const auto bytes = message_bytes.get<std::uint64_t>();
    // A bandwidth of emulated memory would only be taken for one of a fabric.
    if (const auto time_us = mean(samples); time_us && *time_us > 0 && group_size > 0 && !emulated) {
      algbw = algorithm_bandwidth_gbs(bytes, *time_us);
      busbw = bus_bandwidth_gbs(algbw.get<double>(), group_size);
    }
    if (floors != nullptr && group_size > 1 && !emulated) {
      limit = allreduce_limit_us(*floors, bytes, group_size);
      if (const auto time_us = mean(samples); time_us && *time_us > 0) of_limit = limit.get<double>() / *time_us;
    }
    if (const auto sent = wire_bytes(text_or(json, "algorithm"), bytes, group_size)) wire = *sent;
  }
  json["algbw_gbs"] = algbw;
  json["busbw_gbs"] = busbw;
  json["wire_bytes"] = wire;
  json["limit_us"] = limit;
  json["limit_from"] = limit.is_null() ? Json(nullptr) : Json("floors");
  json["of_limit"] = of_limit;
}

/// By how much a row may beat its limit before that is more than noise.
constexpr double kNoise = 1.01;

/// What a row's limit depends on, beside the floors of its group.
using LimitKey = std::pair<Json, Json>;  // group, message_bytes
LimitKey limit_key(const Json& row) { return {row.at("group"), row.at("message_bytes")}; }

/// A limit that a row has beaten is none: what that row took is what the links have shown that they can do, and the limit
/// of every row of its size.
void lower_beaten_limits(Json& rows) {
  std::map<LimitKey, double> fastest_us;
  for (const Json& row : rows) {
    if (row.at("of_limit").is_null() || row.at("status") != "ok") continue;
    const double mean_us = row.at("time_us").at("mean").get<double>();
    const auto [it, first] = fastest_us.try_emplace(limit_key(row), mean_us);
    if (!first) it->second = std::min(it->second, mean_us);
  }
  for (Json& row : rows) {
    const auto fastest = fastest_us.find(limit_key(row));
    if (fastest == fastest_us.end() || row.at("limit_us").get<double>() <= kNoise * fastest->second) continue;
    row["limit_us"] = fastest->second;
    row["limit_from"] = "row";
    if (!row.at("of_limit").is_null()) row["of_limit"] = fastest->second / row.at("time_us").at("mean").get<double>();
  }
}

}  // namespace

std::vector<double> samples_of(const RowRecord& row) {
  std::vector<double> samples;
  for (const auto& block : row.blocks) samples.insert(samples.end(), block.batch_us.begin(), block.batch_us.end());
  return samples;
}

Json distribution_json(std::span<const double> samples) {
  if (samples.empty()) return nullptr;
  const auto interval = mean_confidence_interval(samples);
  return {{"mean", *mean(samples)},
          {"p50", json_or_null(percentile(samples, 50))},
          {"p90", json_or_null(percentile(samples, 90))},
          {"p95", json_or_null(percentile(samples, 95))},
          {"p99", json_or_null(percentile(samples, 99))},
          {"min", *std::min_element(samples.begin(), samples.end())},
          {"max", *std::max_element(samples.begin(), samples.end())},
          {"stdev", json_or_null(standard_deviation(samples))},
          {"ci95_low", interval ? Json(interval->low) : Json(nullptr)},
          {"ci95_high", interval ? Json(interval->high) : Json(nullptr)},
          {"samples", samples.size()}};
}

Json row_json(const Json& planned_row, const RowOutcome& outcome, const RowSurroundings& around) {
  const RowRecord* row = outcome.measured;
  Json json = Json::object();
  for (const RowKey& key : kRowKeys) json[std::string(key.name)] = key_json(key, planned_row, row);
  json["reference"] = is_reference(planned_row);
  json["status"] = outcome.status;
  json["reason"] = json_or_null(outcome.reason);
  json["failure"] = failure_or_null(outcome.failure);
  json["attempts"] = attempts_json(outcome.attempts);
  json["upstream_choice"] = upstream_choice_json(json, around.upstream);
  add_measurements(json, row, around.emulated, around.raw_samples, around.floors);
  json["wrong_elements"] = row != nullptr && row->checked_iterations > 0 ? Json(row->wrong_elements) : Json(nullptr);
  json["max_error"] = row != nullptr ? json_or_null(row->max_error) : Json(nullptr);
  json["checked_iterations"] = row != nullptr ? Json(row->checked_iterations) : Json(nullptr);
  json["checked_every"] = row != nullptr ? Json(row->checked_every) : Json(nullptr);
  json["blame"] = row != nullptr && row->blame.is_object() ? row->blame : Json(nullptr);
  return json;
}

Json fold_rows(const RecordSet& records, const Outcomes& outcomes, std::span<const Json> planned_rows) {
  const Json emulated = pick_flag(records.started.device, "emulated");
  const auto floors = floors_by_group(records);
  std::map<int, RowSurroundings> around;
  Json rows = Json::array();
  for (const Json& planned_row : planned_rows) {
    const int group = integer_or(planned_row, "group", -1);
    auto of_group = around.find(group);
    if (of_group == around.end()) {
      const auto measured = floors.find(group);
      // Where nobody said what the device is, no bandwidth is claimed either.
      of_group = around
                     .emplace(group, RowSurroundings{.emulated = emulated.is_null() || emulated.get<bool>(),
                                                     .raw_samples = records.started.raw_samples,
                                                     .floors = measured != floors.end() ? &measured->second : nullptr,
                                                     .upstream = upstream_facts(records, group)})
                     .first;
    }
    rows.push_back(row_json(planned_row, outcomes.of(planned_row), of_group->second));
  }
  lower_beaten_limits(rows);
  return rows;
}

}  // namespace symmbench
