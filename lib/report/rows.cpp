#include "report/rows.hpp"

#include <algorithm>

#include "report/floors.hpp"
#include "report/pick.hpp"
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

/// The handle as the row's own record has it; before there is one, what was asked for.
Json handle_json(const Json& planned_row, const RowRecord* measured) {
  if (measured != nullptr && measured->handle.is_object()) return pick_choice(measured->handle);
  return {{"asked", pick_text(planned_row, "handle_asked")}, {"used", nullptr}, {"reason", nullptr}};
}

/// World rank with the largest mean time. Groups are contiguous, so member i of group g is world rank g * size + i.
Json slowest_rank(const RowRecord& row, int group_size) {
  if (row.rank_mean_us.empty()) return nullptr;
  const auto slowest = std::max_element(row.rank_mean_us.begin(), row.rank_mean_us.end());
  return row.group * group_size + static_cast<int>(slowest - row.rank_mean_us.begin());
}

Json multicast_json(const Json& planned_row, const RowRecord* measured) {
  if (measured != nullptr && measured->multicast.is_object()) return pick_choice(measured->multicast);
  return {{"asked", pick_text(planned_row, "multicast_asked")}, {"used", nullptr}, {"reason", nullptr}};
}

void add_measurements(Json& json, const RowRecord* row, bool emulated, bool raw_samples, const Floors* floors) {
  const auto samples = row != nullptr ? samples_of(*row) : std::vector<double>{};
  const int group_size = integer_or(json, "group_size", 0);
  const Json message_bytes = pick_integer(json, "message_bytes");
  json["time_us"] = distribution_json(samples);
  if (raw_samples) json["samples_us"] = samples;
  json["iterations_per_batch"] = row != nullptr ? Json(row->iterations_per_batch) : Json(nullptr);
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
  json["of_limit"] = of_limit;
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

Json row_json(const Json& planned_row, const RowOutcome& outcome, bool emulated, bool raw_samples,
              const Floors* floors) {
  const RowRecord* row = outcome.measured;
  const Json launch = row != nullptr ? row->launch : Json(nullptr);
  Json json{{"case_id", text_or(planned_row, "case_id")},
            {"workspace", pick_text(planned_row, "workspace")},
            {"transport", pick_text(planned_row, "transport")},
            {"allocator", text_or(planned_row, "allocator")},
            {"group", pick_integer(planned_row, "group")},
            {"group_size", pick_integer(planned_row, "group_size")},
            {"handle", handle_json(planned_row, row)},
            {"multicast", multicast_json(planned_row, row)},
            {"algorithm", pick_text(planned_row, "algorithm")},
            {"algorithm_asked", pick_text(planned_row, "algorithm_asked")},
            {"pattern", pick_text(planned_row, "pattern")},
            {"epsilon", pick_number(planned_row, "epsilon")},
            {"weight_bias", pick_number(planned_row, "weight_bias")},
            {"dtype", pick_text(planned_row, "dtype")},
            {"in_place", pick_flag(planned_row, "in_place")},
            {"tokens", pick_integer(planned_row, "tokens")},
            {"hidden", pick_integer(planned_row, "hidden")},
            {"message_bytes", pick_integer(planned_row, "message_bytes")},
            {"asked_bytes", pick_integer(planned_row, "asked_bytes")},
            {"blocks", pick_integer(launch, "blocks")},
            {"threads", pick_integer(launch, "threads")},
            {"cluster", pick_integer(launch, "cluster")},
            {"pdl", pick_flag(launch, "pdl")},
            {"graph", pick_flag(launch, "graph")},
            {"buffers", pick_integer(launch, "buffers")},
            {"buffers_asked", pick_integer(planned_row, "buffers_asked")},
            {"status", outcome.status},
            {"reason", json_or_null(outcome.reason)},
            {"failure", failure_or_null(outcome.failure)},
            {"attempts", attempts_json(outcome.attempts)}};
  add_measurements(json, row, emulated, raw_samples, floors);
  json["wrong_elements"] = row != nullptr && row->checked_iterations > 0 ? Json(row->wrong_elements) : Json(nullptr);
  json["max_error"] = row != nullptr ? json_or_null(row->max_error) : Json(nullptr);
  json["checked_iterations"] = row != nullptr ? Json(row->checked_iterations) : Json(nullptr);
  json["checked_every"] = row != nullptr ? Json(row->checked_every) : Json(nullptr);
  json["blame"] = row != nullptr && row->blame.is_object() ? row->blame : Json(nullptr);
  return json;
}

Json fold_rows(const RecordSet& records, const Outcomes& outcomes) {
  const Json emulated = pick_flag(records.started.device, "emulated");
  const auto floors = floors_by_group(records);
  Json rows = Json::array();
  for (const Json& planned_row : records.started.planned_rows) {
    const auto measured = floors.find(integer_or(planned_row, "group", -1));
    // Where nobody said what the device is, no bandwidth is claimed either.
    rows.push_back(row_json(planned_row, outcomes.of(planned_row), emulated.is_null() || emulated.get<bool>(),
                            records.started.raw_samples, measured != floors.end() ? &measured->second : nullptr));
  }
  return rows;
}

}  // namespace symmbench
