#include "journal/records.hpp"

#include <catch2/catch_test_macros.hpp>
#include <functional>

#include "support/failures.hpp"

using namespace symmbench;

namespace {

const Failure kFailure{.layer = Layer::driver,
                       .reason = Reason::out_of_memory,
                       .call = "cuMemCreate",
                       .detail = "64 MiB asked",
                       .phase = Phase::create,
                       .rank = 2,
                       .peer = 3,
                       .code = 2};

/// One record of each kind with every field set, and what reads it back to JSON.
struct Sample {
  Json json;
  std::function<Json(const Json&)> again;
};

std::vector<Sample> samples() {
  RunStarted started{.tool = {{"version", "1"}},
                     .run = {{"seed", 1}},
                     .device = {{"kind", "host"}},
                     .world_size = 4,
                     .group_size = 2,
                     .planned_rows = {Json{{"case_id", "a"}}},
                     .planned_lifecycles = {Json{{"lifecycles", 3}}},
                     .strict = true,
                     .raw_samples = true,
                     .skip_if_unsupported = true};
  RowRecord row{.case_id = "a", .allocator = "x", .group = 1, .attempt = 2, .alone = true, .status = "failed"};
  row.reason = "why";
  row.failure = kFailure;
  row.handle = {{"asked", "auto"}};
  row.multicast = {{"used", "off"}};
  row.launch = {{"blocks", 2}};
  row.iterations_per_batch = 8;
  row.blocks = {{.position = 0, .batch_us = {1.5, 2.25}}, {.position = 3, .batch_us = {}}};
  row.rank_mean_us = {1, 2};
  row.checked_iterations = std::uint64_t{1} << 63;
  row.checked_every = 3;
  row.wrong_elements = 7;
  row.max_error = 0.25;
  row.blame = {{"kind", "stale"}};
  row.skew_us = {0.5, 1.25};
  row.clock_error_us = 0.75;
  FailureRecord failure{.group = 1,
                        .attempt = 2,
                        .case_id = "a",
                        .allocators = {"x", "y"},
                        .alone = true,
                        .status = "hung",
                        .failure = kFailure,
                        .others = {kFailure, kFailure},
                        .label = "g"};
  LifecycleRecord lifecycle{.group = 1, .workspace = "w", .transport = "t", .allocator = "x"};
  lifecycle.handle = {{"asked", "auto"}};
  lifecycle.iteration = 4;
  lifecycle.phase_us = {{"create", 1.5}, {"map", 2.5}};
  lifecycle.count = 3;
  lifecycle.phase_us[0].second.add(2.5);
  lifecycle.total_us = Spread::of_classes({{160, 2}, {161, 1}}, 33.5);
  lifecycle.operation_us = 7;
  lifecycle.started_at = "2026-01-01T00:00:00Z";
  lifecycle.passed_s = 1.5;
  lifecycle.failure = kFailure;
  lifecycle.leaks = {{"fds", 1}};
  WorkspaceRecord workspace{.group = 1, .workspace = "w", .transport = "t", .allocator = "x"};
  workspace.handle = {{"asked", "auto"}};
  workspace.segments = {Json{{"name", "comm"}}};
  workspace.driver_calls = {Json{{"call", "cuMemMap"}}};
  workspace.differences = {Json{{"here", "bounded"}}};
  return {{to_json(started), [](const Json& json) { return to_json(run_started_from(json)); }},
          {to_json(RankFacts{3, Json{{"host", "h"}}}), [](const Json& json) { return to_json(rank_facts_from(json)); }},
          {to_json(row), [](const Json& json) { return to_json(row_from(json)); }},
          {to_json(failure), [](const Json& json) { return to_json(failure_record_from(json)); }},
          {to_json(lifecycle), [](const Json& json) { return to_json(lifecycle_from(json)); }},
          {to_json(workspace), [](const Json& json) { return to_json(workspace_from(json)); }},
          {to_json(FloorsRecord{1, "w", "t", "x", 0.5, 1.5, 0.75, 361, 325}),
           [](const Json& json) { return to_json(floors_from(json)); }},
          {to_json(DeviceSampleRecord{1, 2, "g", Json{{"temperature_c", 41}}, Json{{"temperature_c", nullptr}}}),
           [](const Json& json) { return to_json(device_sample_from(json)); }},
          {to_json(BisectTestRecord{1, {4, 6}, kFailure, 12.5}),
           [](const Json& json) { return to_json(bisect_test_from(json)); }},
          {to_json(BisectRecord{1, Json{{"culprit", "link"}}}),
           [](const Json& json) { return to_json(bisect_from(json)); }},
          {to_json(EventRecord{1, "group_skipped", "why", Json{{"label", "g"}}}),
           [](const Json& json) { return to_json(event_from(json)); }},
          {to_json(RunEnded{"2026-01-31T23:59:59Z", true, "SIGTERM"}),
           [](const Json& json) { return to_json(run_ended_from(json)); }}};
}

}  // namespace

TEST_CASE("every record reads back as it was written") {
  for (const auto& [json, again] : samples()) {
    INFO(type_of(json));
    CHECK(again(json) == json);
    CHECK(again(Json::parse(json.dump())) == json);
  }
}

TEST_CASE("every record begins with its type") {
  for (const auto& [json, again] : samples()) {
    CHECK(json.begin().key() == "type");
    CHECK_FALSE(type_of(json).empty());
  }
}

TEST_CASE("absent values stay absent") {
  const RowRecord row{.case_id = "a", .allocator = "x", .status = "ok"};
  const RowRecord again = row_from(to_json(row));
  CHECK_FALSE(again.reason);
  CHECK_FALSE(again.failure);
  CHECK_FALSE(again.max_error);
  CHECK(again.blocks.empty());
  CHECK(to_json(row)["max_error"].is_null());
  CHECK_FALSE(failure_record_from(to_json(FailureRecord{.status = "failed"})).case_id);
  CHECK_FALSE(run_ended_from(to_json(RunEnded{})).interrupted_by);
}

TEST_CASE("a key of the wrong type is refused with the record's type and the key") {
  for (const auto& [json, again] : samples()) {
    for (const auto& [key, value] : json.items()) {
      if (value.is_object() || value.is_null()) continue;  // free-form, or nothing to spoil
      Json spoilt = json;
      spoilt[key] = Json{{"not", "this"}};
      INFO(spoilt.dump());
      const Failure failure = failure_of([&] { again(spoilt); });
      CHECK(failure.layer == Layer::report);
      CHECK(failure.reason == Reason::invalid_argument);
      CHECK(failure.detail.find(key) != std::string::npos);
      CHECK(failure.detail.find(type_of(json)) != std::string::npos);
    }
  }
}

TEST_CASE("a missing key that a record cannot do without is refused by name") {
  Json row = to_json(RowRecord{.case_id = "a", .allocator = "x", .status = "ok"});
  row.erase("status");
  CHECK(failure_of([&] { row_from(row); }).detail == "journal record 'row': key 'status' must be text, but is missing");
}

TEST_CASE("a negative count, a fraction and an integer beyond 32 bits are refused") {
  Json row = to_json(RowRecord{.case_id = "a", .allocator = "x", .status = "ok"});
  for (const auto& [key, value] : std::vector<std::pair<const char*, Json>>{
           {"wrong_elements", -1}, {"wrong_elements", 1.5}, {"group", std::int64_t{1} << 40}, {"attempt", 0.5}}) {
    Json spoilt = row;
    spoilt[key] = value;
    CHECK(failure_of([&] { row_from(spoilt); }).detail.find(key) != std::string::npos);
  }
}

TEST_CASE("a record of another type is refused") {
  CHECK_THROWS_AS(row_from(to_json(RunEnded{})), Error);
  CHECK_THROWS_AS(row_from(Json::array()), Error);
  CHECK_THROWS_AS(row_from(nullptr), Error);
}

TEST_CASE("unknown keys are ignored, so that an older reader takes a newer journal") {
  Json row = to_json(RowRecord{.case_id = "a", .allocator = "x", .status = "ok"});
  row["invented_later"] = 1;
  CHECK(row_from(row).case_id == "a");
}

TEST_CASE("JSON that is no record has no type") {
  CHECK(type_of(Json::array()).empty());
  CHECK(type_of(Json{{"type", 5}}).empty());
  CHECK(type_of(Json::object()).empty());
}
