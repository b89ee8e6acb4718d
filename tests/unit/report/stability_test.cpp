#include "report/stability.hpp"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "check_schema.hpp"

using namespace symmbench;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

LifecycleRecord lifecycle(std::uint64_t iteration, const std::string& allocator = kSymm, int fds = 0) {
  LifecycleRecord record{.workspace = "trtllm_fusion", .transport = "unicast", .allocator = allocator};
  record.handle = {{"asked", "auto"}, {"used", "posix_fd"}, {"reason", "a trial passed"}};
  record.iteration = iteration;
  for (const char* phase : {"create", "export", "exchange", "import", "map", "init", "verify", "use", "close"}) {
    record.phase_us.emplace_back(phase, 100.0 + static_cast<double>(iteration));
  }
  record.leaks = {{"fds", fds}, {"mappings", 0}, {"device_bytes", nullptr}};
  return record;
}

Json planned(const std::string& allocator, int count) {
  return {{"label", "lifecycle/" + allocator},
          {"workspace", "trtllm_fusion"},
          {"transport", "unicast"},
          {"allocator", allocator},
          {"handle_asked", "auto"},
          {"group", 0},
          {"lifecycles", count}};
}

RunBuilder with_lifecycles(int count) {
  RunBuilder run(1, {kSymm});
  run.started.planned_lifecycles = {planned(kSymm, count)};
  run.add_all_ok();
  return run;
}

}  // namespace

TEST_CASE("lifecycles are counted, and each phase has its figures in the order of life") {
  RunBuilder run = with_lifecycles(3);
  for (std::uint64_t i = 0; i < 3; ++i) run.add(lifecycle(i));
  const Json report = checked_report(run);
  REQUIRE(report["stability"].size() == 1);
  const Json& entry = report["stability"][0];
  CHECK(entry["lifecycles"] == 3);
  CHECK(entry["lifecycles_planned"] == 3);
  CHECK(entry["failed"] == 0);
  CHECK(entry["handle"] == Json{{"asked", "auto"}, {"used", "posix_fd"}, {"reason", "a trial passed"}});
  REQUIRE(entry["phases"].size() == 9);
  CHECK(entry["phases"][0]["phase"] == "create");
  CHECK(entry["phases"][1]["phase"] == "export");
  CHECK(entry["phases"][8]["phase"] == "close");
  CHECK(entry["phases"][0]["count"] == 3);
  CHECK(entry["phases"][0]["p50_us"] == 101);
  CHECK(entry["phases"][0]["max_us"] == 102);
  CHECK(exit_code(report) == 0);
}

TEST_CASE("a failed lifecycle is counted in its phase by reason and fails the run") {
  RunBuilder run = with_lifecycles(5);
  run.add(lifecycle(0));
  LifecycleRecord failed = lifecycle(1);
  failed.phase_us.resize(4);
  failed.failure =
      Failure{.layer = Layer::driver, .reason = Reason::illegal_state, .phase = Phase::import_handle, .rank = 3};
  const Json report = checked_report(run.add(failed));
  const Json& entry = report["stability"][0];
  CHECK(entry["failed"] == 1);
  CHECK(entry["first_failure"]["rank"] == 3);
  CHECK(entry["phases"][3]["failures"] == Json{{"illegal_state", 1}});
  CHECK(entry["phases"][0]["failures"].empty());
  CHECK(exit_code(report) == 1);
}

TEST_CASE("a failure in a phase that no lifecycle finished has an entry without times") {
  RunBuilder run = with_lifecycles(1);
  LifecycleRecord failed = lifecycle(0);
  failed.phase_us.clear();
  failed.failure = Failure{.layer = Layer::driver, .reason = Reason::not_permitted, .phase = Phase::create};
  const Json phases = checked_report(run.add(failed))["stability"][0]["phases"];
  REQUIRE(phases.size() == 1);
  CHECK(phases[0]["count"] == 0);
  CHECK(phases[0]["max_us"].is_null());
}

TEST_CASE("what every lifecycle leaves behind is a leak and fails the run") {
  RunBuilder run = with_lifecycles(4);
  for (std::uint64_t i = 0; i < 4; ++i) run.add(lifecycle(i, kSymm, 2));
  const Json report = checked_report(run);
  CHECK(report["stability"][0]["leaks"]["fds"] == 6);
  CHECK(report["stability"][0]["leaks"]["mappings"] == 0);
  CHECK(report["stability"][0]["leaks"]["device_bytes"].is_null());
  CHECK(exit_code(report) == 1);
}

TEST_CASE("what only the first lifecycle keeps is not a leak") {
  RunBuilder run = with_lifecycles(3);
  for (std::uint64_t i = 0; i < 3; ++i) run.add(lifecycle(i, kSymm, i == 0 ? 5 : 0));
  const Json report = checked_report(run);
  CHECK(report["stability"][0]["leaks"]["fds"] == 0);
  CHECK(exit_code(report) == 0);
}

TEST_CASE("a single lifecycle counts in full") {
  RunBuilder run = with_lifecycles(1);
  CHECK(exit_code(checked_report(run.add(lifecycle(0, kSymm, 1)))) == 1);
}

TEST_CASE("records of many lifecycles count as each of them") {
  RunBuilder run = with_lifecycles(100);
  run.add(lifecycle(0));
  LifecycleRecord span = lifecycle(1);
  span.count = 99;
  span.leaks["fds"] = 3;
  for (auto& [phase, spans_us] : span.phase_us) {
    for (int i = 0; i < 98; ++i) spans_us.add(200);
  }
  const Json entry = checked_report(run.add(span))["stability"][0];
  CHECK(entry["lifecycles"] == 100);
  CHECK(entry["leaks"]["fds"] == 3);
  CHECK(entry["phases"][0]["count"] == 100);
  CHECK(entry["phases"][0]["p50_us"] == 200);
  CHECK(entry["phases"][0]["p99_us"] == 200);
}

namespace {

/// `rounds` lifecycles of a soak of 60 s, the operations of the second half `later` times as long.
Json soak_of(int rounds, double later, double ran_s = 61) {
  RunBuilder run = with_lifecycles(1);
  run.started.planned_lifecycles[0]["soak_s"] = 60;
  for (int i = 0; i < rounds; ++i) {
    LifecycleRecord record = lifecycle(static_cast<std::uint64_t>(i));
    record.operation_us = (10 + i * 7 % 5 * 0.01) * (i < rounds / 2 ? 1 : later);
    record.passed_s = ran_s * (i + 1) / rounds;
    record.started_at = record.ended_at = "2026-01-01T00:00:00Z";
    run.add(record);
  }
  return checked_report(run);
}

}  // namespace

TEST_CASE("a soak that ended before its time leaves no verdict") {
  CHECK(exit_code(soak_of(40, 1)) == 0);
  const Json report = soak_of(40, 1, 30);
  CHECK(exit_code(report) == 3);
  CHECK(report["stability"][0]["soak"]["ran_s"] == 30);
  CHECK(report["stability"][0]["soak"]["planned_s"] == 60);
  const auto summary = report["verdict"]["summary"].dump();
  CHECK(summary.find("40 in 30 of 60 s ran") != std::string::npos);
}

TEST_CASE("operations that become slower over the lifecycles are told, with the reason") {
  const Json steady = soak_of(60, 1)["stability"][0]["drift"];
  CHECK(steady["verdict"] == "same");
  const Json report = soak_of(60, 1.3);
  const Json drift = report["stability"][0]["drift"];
  CHECK(drift["verdict"] == "slower");
  CHECK(drift["ratio"].get<double>() == Approx(1.3).epsilon(0.02));
  CHECK(drift["ci_low"].get<double>() > 1.2);
  CHECK(report["verdict"]["summary"].dump().find("drift: operations of symm_device_memory took 1.3 times as long") !=
        std::string::npos);
  CHECK(soak_of(8, 1.3)["stability"][0]["drift"]["reason"] == "7 lifecycles, 12 are needed");
  CHECK(checked_report(with_lifecycles(1).add(lifecycle(0)))["stability"][0]["drift"].is_null());
}

TEST_CASE("planned lifecycles that did not run leave no verdict") {
  RunBuilder run = with_lifecycles(3);
  const Json report = checked_report(run.add(lifecycle(0)));
  CHECK(exit_code(report) == 3);
}

TEST_CASE("a lifecycle worker that crashed is an incident of its allocator") {
  RunBuilder run(1);
  run.add_all_ok();
  run.started.planned_lifecycles = {planned(kSymm, 1), planned(kTorch, 1)};
  FailureRecord crash = run.failed(-1, 9, {kTorch});
  crash.label = "lifecycle/" + kTorch;
  const Json report = checked_report(run.add(lifecycle(0)).add(crash));
  CHECK(report["stability"][0]["incidents"].empty());
  CHECK(report["stability"][1]["incidents"][0]["failure"]["reason"] == "crashed");
  CHECK(exit_code(report) == 1);
}

TEST_CASE("a round that its worker did not survive is one failed lifecycle, and the next worker's go on from there") {
  RunBuilder run = with_lifecycles(4);
  run.add(lifecycle(0)).add(lifecycle(1));
  FailureRecord crash = run.failed(-1, 9, {kSymm});
  crash.label = "lifecycle/" + kSymm;
  crash.case_id = "lifecycle/" + kSymm + "#2";
  crash.failure.phase = Phase::map;
  LifecycleRecord last = lifecycle(3, kSymm, 5);  // what a new worker opens once and for all is no leak
  last.attempt = 10;
  const Json report = checked_report(run.add(crash).add(last));
  const Json& entry = report["stability"][0];
  CHECK(entry["lifecycles"] == 4);
  CHECK(entry["failed"] == 1);
  CHECK(entry["first_failure"]["reason"] == "crashed");
  CHECK(entry["incidents"].size() == 1);
  CHECK(entry["leaks"]["fds"] == 0);
  for (const Json& phase : entry["phases"]) {
    CHECK(phase["failures"] == (phase["phase"] == "map" ? Json{{"crashed", 1}} : Json::object()));
  }
  CHECK(exit_code(report) == 1);
}

TEST_CASE("lines about lifecycles name the transport where several ran, and not where one did") {
  const auto told = [](const std::vector<std::string>& transports) {
    RunBuilder run(0, {kSymm});
    for (const auto& transport : transports) {
      run.started.planned_lifecycles.push_back({{"label", "lifecycle/" + transport},
                                                {"workspace", "mnnvl"},
                                                {"transport", transport},
                                                {"allocator", kSymm},
                                                {"handle_asked", "auto"},
                                                {"group", 0},
                                                {"lifecycles", 3}});
      for (std::uint64_t i = 0; i < 2; ++i) {
        LifecycleRecord record = lifecycle(i, kSymm, 2);
        record.workspace = "mnnvl";
        record.transport = transport;
        run.add(record);
      }
    }
    return checked_report(run)["verdict"]["summary"].dump();
  };
  const auto both = told({"unicast", "multicast"}), one = told({"unicast"});
  CHECK_THAT(both, ContainsSubstring("leak: symm_device_memory (mnnvl by unicast) left 2 fds") &&
                       ContainsSubstring("leak: symm_device_memory (mnnvl by multicast) left 2 fds") &&
                       ContainsSubstring("lifecycles: symm_device_memory (mnnvl by multicast): 2 of 3 ran"));
  CHECK_THAT(one, ContainsSubstring("leak: symm_device_memory left 2 fds"));
}

TEST_CASE("the way a workspace lies in memory is shown per allocator, whatever else a rank reported") {
  RunBuilder run(1);
  WorkspaceRecord record{.workspace = "trtllm_fusion", .transport = "unicast", .allocator = kTorch};
  record.handle = {{"asked", "auto"}, {"used", "posix_fd"}};
  record.segments = {Json{{"name", "comm"}, {"requested_bytes", 100}, {"va_layout", "per_peer"}, {"invented_later", 1}},
                     Json{{"name", 7}, {"requested_bytes", "many"}}};
  record.driver_calls = {Json{{"call", "cuMemAddressReserve"}, {"count", 12}, {"failures", 0}, {"total_us", 3.5}}};
  record.differences = {Json{{"upstream", "waits for ever"}, {"here", "bounded"}, {"reason", "hangs"}}};
  const Json entry = checked_report(run.add(record).add_all_ok())["stability"].at(1);
  CHECK(entry["segments"][0]["va_layout"] == "per_peer");
  CHECK_FALSE(entry["segments"][0].contains("invented_later"));
  CHECK(entry["segments"][1]["name"].is_null());
  CHECK(entry["driver_calls"][0]["count"] == 12);
  CHECK(entry["differences"][0]["here"] == "bounded");
}

TEST_CASE("jitter is the spread within rows, and null where nothing was measured") {
  RunBuilder run(2, {kSymm});
  CHECK(checked_report(run)["stability"][0]["jitter"].is_null());
  RowRecord quiet = run.ok(0, kSymm), noisy = run.ok(1, kSymm);
  quiet.blocks = {{.position = 0, .batch_us = {10, 10, 10}}};
  noisy.blocks = {{.position = 0, .batch_us = {5, 10, 15}}};
  const Json jitter = checked_report(run.add(quiet).add(noisy))["stability"][0]["jitter"];
  CHECK(jitter["rows"] == 2);
  CHECK(jitter["cv_p50"] == Approx(0));
  CHECK(jitter["cv_max"] == Approx(0.5));
}

TEST_CASE("hung rows and hung incidents are counted") {
  RunBuilder run(1, {kSymm});
  FailureRecord in_case = run.failed(0, 1, {kSymm}), outside = run.failed(-1, 2, {kSymm});
  in_case.status = outside.status = "hung";
  CHECK(checked_report(run.add(in_case).add(outside))["stability"][0]["hangs"] == 2);
}
