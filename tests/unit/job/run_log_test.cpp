#include "job/run_log.hpp"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

#include "journal/lifecycle_spans.hpp"
#include "report/fold.hpp"

using namespace symmbench;
using Catch::Approx;

namespace {

LifecycleRecord lifecycle(std::uint64_t iteration, int attempt) {
  const auto slower = static_cast<double>(iteration % 97);
  LifecycleRecord record{.workspace = "trtllm_fusion", .transport = "unicast", .allocator = "symm_device_memory"};
  record.handle = {{"asked", "auto"}, {"used", "posix_fd"}, {"reason", "a trial passed"}};
  record.iteration = iteration;
  record.attempt = attempt;
  for (const char* phase : {"create", "map", "use", "close"}) record.phase_us.emplace_back(phase, 100 + slower);
  record.total_us = 400 + 4 * slower;
  record.operation_us = 10 + slower / 10;
  record.retries = iteration % 2;
  record.leaks = {{"fds", iteration % 100 == 7 ? 1 : 0}, {"device_bytes", nullptr}};
  record.passed_s = static_cast<double>(iteration);
  return record;
}

Json started(std::uint64_t rounds) {
  RunStarted run;
  run.tool = {{"version", "0.1.0"}, {"git", "abc"}, {"build", "Release"}};
  run.run = {{"command", "symmbench run"}, {"seed", 1}, {"started_at", "2026-01-31T23:59:58.000Z"}};
  run.device = {{"kind", "host"}, {"emulated", true}, {"asked", "auto"}, {"reason", "no GPU"}};
  run.world_size = run.group_size = 2;
  run.planned_lifecycles = {{{"label", "lifecycle/symm"},
                             {"workspace", "trtllm_fusion"},
                             {"transport", "unicast"},
                             {"allocator", "symm_device_memory"},
                             {"handle_asked", "auto"},
                             {"group", 0},
                             {"lifecycles", rounds}}};
  return to_json(run);
}

std::size_t bytes_of(const std::vector<Json>& records) {
  std::size_t bytes = 0;
  for (const Json& record : records) bytes += record.dump().size();
  return bytes;
}

/// What a run gives to its log, and all of it besides.
struct Heard final : RecordSink {
  explicit Heard(std::uint64_t rounds) { append(started(rounds)); }
  void append(const Json& record) override {
    all.push_back(record);
    log.append(record);
  }
  Json stability_by_log() const { return fold_report(log.records())["stability"][0]; }
  Json stability_by_all() const { return fold_report(all)["stability"][0]; }

  RunLog log;
  std::vector<Json> all;
};

void check_alike(const Json& by_log, const Json& by_all) {
  for (const char* exact : {"lifecycles", "failed", "retries", "leaks", "first_failure"}) {
    CHECK(by_log[exact] == by_all[exact]);
  }
  REQUIRE(by_log["phases"].size() == by_all["phases"].size());
  for (std::size_t i = 0; i < by_all["phases"].size(); ++i) {
    const Json &one = by_log["phases"][i], &other = by_all["phases"][i];
    CHECK(one["count"] == other["count"]);
    CHECK(one["max_us"] == other["max_us"]);
    CHECK(one["failures"] == other["failures"]);
    CHECK(one["parts_p50_us"].size() == other["parts_p50_us"].size());
    CHECK(one["p99_us"].get<double>() == Approx(other["p99_us"].get<double>()).epsilon(0.02));
  }
  CHECK(by_log["total"]["p50_us"].get<double>() == Approx(by_all["total"]["p50_us"].get<double>()).epsilon(0.02));
}

}  // namespace

TEST_CASE("a soak of ten thousand lifecycles is remembered in a bounded number of records and bytes") {
  constexpr std::size_t kMostBytes = 4096 * RunLog::kMostSpans;
  Heard heard(10'000);
  LifecycleSpans spans([&](const Json& record) { heard.append(record); });
  for (std::uint64_t i = 0; i < 10'000; ++i) spans.take(to_json(lifecycle(i, 1)));
  spans.flush();
  CHECK(heard.all.size() > 2 * RunLog::kMostSpans);
  CHECK(heard.log.records().size() <= RunLog::kMostSpans + 1);
  CHECK(bytes_of(heard.log.records()) < kMostBytes);
  check_alike(heard.stability_by_log(), heard.stability_by_all());
  CHECK(heard.stability_by_log()["drift"]["verdict"] == heard.stability_by_all()["drift"]["verdict"]);
}

TEST_CASE("lifecycles in a worker each are remembered in the same space") {
  Heard heard(2'000);
  for (int i = 0; i < 2'000; ++i) heard.append(to_json(lifecycle(static_cast<std::uint64_t>(i), i)));
  CHECK(heard.log.records().size() <= RunLog::kMostSpans + 1);
  check_alike(heard.stability_by_log(), heard.stability_by_all());
  CHECK(heard.stability_by_log()["drift"]["verdict"] == heard.stability_by_all()["drift"]["verdict"]);
}

TEST_CASE("lifecycles that failed are remembered one by one, and the first of a worker never counts as another") {
  Heard heard(3'000);
  for (std::uint64_t i = 0; i < 3'000; ++i) {
    LifecycleRecord cycle = lifecycle(i, static_cast<int>(i / 250));
    if (i % 250 == 249) {
      cycle.failure = Failure{.layer = Layer::driver, .reason = Reason::not_ready, .phase = Phase::map, .rank = 1};
    }
    heard.append(to_json(cycle));
  }
  CHECK(heard.log.records().size() <= 3 * RunLog::kMostSpans);
  CHECK(heard.stability_by_log()["failed"] == 12);
  check_alike(heard.stability_by_log(), heard.stability_by_all());
}

TEST_CASE("what is no lifecycle, or none that can be read, is remembered as it came, and listeners hear everything") {
  struct Listener final : RecordSink {
    void append(const Json& record) override { heard.push_back(record); }
    std::vector<Json> heard;
  } listener;
  RunLog log;
  log.listen(listener);
  const Json event = to_json(EventRecord{.what = "x", .detail = "y", .data = nullptr});
  Json unreadable = to_json(lifecycle(0, 1));
  unreadable["phases"] = 7;
  const Json readable = to_json(lifecycle(1, 1));
  for (const Json& record : {event, unreadable, readable}) log.append(record);
  CHECK(listener.heard == std::vector<Json>{event, unreadable, readable});
  CHECK(log.records() == listener.heard);
  CHECK(log.records_of("event") == std::vector<Json>{event});
  CHECK(log.records_of("lifecycle") == std::vector<Json>{unreadable, readable});
}
