#include "selftest/sighting.hpp"

#include <catch2/catch_test_macros.hpp>

#include "selftest/selftest_report.hpp"

using namespace symmbench;

namespace {

Scenario scenario_of(const std::string& fault) {
  Scenario scenario{.spec = parse_fault(fault), .workspace = "trtllm_fusion", .allocator = "torch_symm_mem"};
  return scenario;
}

/// A report of a run that ended with `exit_code` and whose only row has this failure.
ScenarioOutcome outcome_with(int exit_code, const Json& failure, int struck = 1) {
  return {.report = {{"verdict", {{"exit_code", exit_code}}},
                     {"run", {{"incidents", Json::array()}, {"injected_struck", {struck}}}},
                     {"results", {{{"status", failure.is_null() ? "ok" : "failed"}, {"failure", failure}}}},
                     {"stability", Json::array()},
                     {"comparison", Json::array()}},
          .took_s = 1,
          .bound_s = 10,
          .left_behind = {}};
}

Failure of_driver() {
  return {.layer = Layer::driver,
          .reason = Reason::out_of_memory,
          .call = "cuMemMap",
          .phase = Phase::map,
          .rank = 2,
          .code = 2,
          .allocator = "torch_symm_mem"};
}

const Scenario kMap = scenario_of("driver_code:rank=2,call=cuMemMap,phase=map,code=2");

}  // namespace

TEST_CASE("a fault is seen when a failure names all of it, in time, and nothing is left behind") {
  const Sighting sighting = sighting_of(kMap, outcome_with(1, to_json(of_driver())));
  CHECK(sighting.seen());
  CHECK(sighting.problem.empty());
}

TEST_CASE("a fault that is ignored is missed: a run that passes, and a run without a failure") {
  const Sighting passed = sighting_of(kMap, outcome_with(0, nullptr));
  CHECK_FALSE(passed.seen());
  CHECK_FALSE(passed.detected);
  CHECK_FALSE(passed.attributed);
  CHECK(passed.problem == "exit code 0, not 1; no failure is told");
  CHECK_FALSE(sighting_of(kMap, outcome_with(1, nullptr)).seen());
}

TEST_CASE("a driver that is not ready at first is seen by the tries that a run which passes tells of its allocator") {
  const Scenario scenario = scenario_of("not_ready:rank=1");
  ScenarioOutcome outcome = outcome_with(0, nullptr);
  const auto seen_with = [&](const char* allocator, int retries) {
    outcome.report["stability"] = {{{"allocator", allocator}, {"retries", retries}}};
    return sighting_of(scenario, outcome).seen();
  };
  CHECK(seen_with("torch_symm_mem", 1));
  CHECK_FALSE(seen_with("torch_symm_mem", 0));
  CHECK_FALSE(seen_with("symm_device_memory", 1));
}

TEST_CASE("a fault that is put down to another rank, phase, call, code, layer or allocator is missed") {
  const auto missing_with = [](void (*change)(Failure & failure)) {
    Failure failure = of_driver();
    change(failure);
    const Sighting sighting = sighting_of(kMap, outcome_with(1, to_json(failure)));
    CHECK(sighting.detected);
    CHECK_FALSE(sighting.seen());
    return sighting.problem;
  };
  CHECK(missing_with([](Failure& f) { f.rank = 1; }) == "not named: rank 2");
  CHECK(missing_with([](Failure& f) { f.phase = Phase::init; }) == "not named: phase map");
  CHECK(missing_with([](Failure& f) { f.call = "cuMemCreate"; }) == "not named: call cuMemMap");
  CHECK(missing_with([](Failure& f) { f.code = 801; }) == "not named: code 2");
  CHECK(missing_with([](Failure& f) { f.layer = Layer::memory; }) == "not named: layer driver");
  CHECK(missing_with([](Failure& f) { f.allocator = "cuda_ipc"; }) == "not named: torch_symm_mem");
}

TEST_CASE("a rank that is named as the peer is named") {
  Failure failure = of_driver();
  failure.rank = 0;
  failure.peer = 2;
  CHECK(sighting_of(kMap, outcome_with(1, to_json(failure))).attributed);
}

TEST_CASE("a fault that never struck, took too long, left something behind or spoilt the report is missed") {
  const Json failure = to_json(of_driver());
  CHECK_FALSE(sighting_of(kMap, outcome_with(1, failure, 0)).seen());
  auto late = outcome_with(1, failure);
  late.took_s = 11;
  CHECK(sighting_of(kMap, late).problem == "took 11.0 s, 10.0 s are its bound");
  auto messy = outcome_with(1, failure);
  messy.left_behind = {"process 4711 of rank 2"};
  CHECK(sighting_of(kMap, messy).problem == "left behind: process 4711 of rank 2");
  auto invalid = outcome_with(1, failure);
  invalid.invalid = {"/results: missing key"};
  CHECK_FALSE(sighting_of(kMap, invalid).seen());
}

TEST_CASE("a self test in which one fault is missed is exit code 1 and names it; cut short it is no verdict") {
  const auto document_of = [](const Json& failure, int exit_code, std::optional<std::string> cut_short) {
    TestedFault tested{kMap, outcome_with(exit_code, failure), {}};
    tested.sighting = sighting_of(tested.scenario, tested.outcome);
    return selftest_json({.tool = Json::object(), .command = "", .world_size = 4, .cut_short = std::move(cut_short)},
                         {}, {tested}, {}, 2);
  };
  CHECK(document_of(to_json(of_driver()), 1, std::nullopt).at("verdict").at("exit_code") == 0);
  const Json missed = document_of(nullptr, 0, std::nullopt);
  CHECK(missed.at("verdict").at("exit_code") == 1);
  CHECK(matrix_text(missed).find("MISSED driver_code:rank=2,call=cuMemMap,phase=map,at=1,count=1,code=2 with "
                                 "torch_symm_mem: exit code 0, not 1") != std::string::npos);
  CHECK(document_of(to_json(of_driver()), 1, "SIGTERM").at("verdict").at("exit_code") == 3);
}

TEST_CASE("a self test that provoked nothing has no verdict, and says what it left to others") {
  const SelftestHead head{.tool = Json::object(), .command = "", .world_size = 4};
  const Json verdict = selftest_json(head, {}, {}, {{.fault = "rank_dead", .command = "mpirun"}}, 0).at("verdict");
  CHECK(verdict.at("exit_code") == 3);
  CHECK(verdict.at("status") == "no_verdict");
  CHECK(verdict.at("summary").get<std::string>().ends_with("; 1 need a launch of their own and were not tested"));
}

TEST_CASE("whether a fault struck is unknown where nothing counts it, and it is seen by what follows") {
  auto outcome = outcome_with(1, to_json(of_driver()));
  outcome.report["run"]["injected_struck"] = Json::array({nullptr});
  const Sighting sighting = sighting_of(kMap, outcome);
  CHECK_FALSE(sighting.struck.has_value());
  CHECK(sighting.seen());
}
