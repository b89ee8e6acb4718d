#include "selftest/scenarios.hpp"

#include <catch2/catch_test_macros.hpp>
#include <set>

#include "job/check_faults.hpp"

using namespace symmbench;

TEST_CASE(
    "every fault that can be provoked is a run with each allocator that it can strike, or has a launch of its own") {
  const Scenarios all = scenarios_of({}, 4);
  std::set<std::pair<std::string_view, std::string>> pairs;
  for (const Scenario& each : all.runs) pairs.insert({each.fault().name, each.allocator});
  std::set<std::string_view> apart;
  for (const FaultApart& each : all.apart) apart.insert(each.fault);
  for (const FaultRow& row : fault_table()) {
    CAPTURE(row.name);
    for (const char* allocator : {"symm_device_memory", "torch_symm_mem", "cuda_ipc"}) {
      const bool strikes = !row.ends_job && !(row.descriptors && std::string_view(allocator) == "cuda_ipc");
      CHECK(pairs.contains({row.name, allocator}) == strikes);
    }
    CHECK(apart.contains(row.name) == row.ends_job);
  }
}

TEST_CASE("each run of a self test is one that the command line would take") {
  for (const Scenario& each : scenarios_of({}, 4).runs) {
    CAPTURE(each.spec.text(), each.allocator);
    const RunConfig config = config_of(each, {});
    REQUIRE_NOTHROW(check_faults(config, 4));
    CHECK(config.inject == std::vector{each.spec.text()});
  }
}

TEST_CASE("on GPUs no fault changes a kernel, what it stores to, or memory that kernels of others may still use") {
  const SelftestPlan plan{.device = DeviceChoice::cuda};
  const Scenarios all = scenarios_of(plan, 4);
  std::set<std::string_view> names;
  for (const Scenario& each : all.runs) {
    CAPTURE(each.spec.text(), each.allocator);
    names.insert(each.fault().name);
    CHECK(each.fault().seam != FaultSeam::protocol);
    CHECK(each.fault().seam != FaultSeam::kernel);
    CHECK(each.fault().seam != FaultSeam::memory);
    CHECK(each.fault().seam != FaultSeam::fill);
    CHECK_FALSE((each.fault().seam == FaultSeam::driver && each.spec.phase == Phase::use));
    const RunConfig config = config_of(each, plan);
    CHECK(config.device == DeviceChoice::cuda);
    REQUIRE_NOTHROW(check_faults(config, 4));
  }
  for (const char* name :
       {"driver_code", "leak", "worker_killed", "worker_stopped", "rank_late", "slow_rank", "slow_link"}) {
    CAPTURE(name);
    CHECK(names.contains(name));
  }
  CHECK_THROWS_AS(scenarios_of({.device = DeviceChoice::cuda, .faults = {"packet_lost"}}, 4), Error);
}

TEST_CASE("a self test takes every workspace that runs on so many ranks, and no other") {
  const auto taken = [](int ranks) {
    std::set<std::string> names;
    for (const Scenario& each : scenarios_of({}, ranks).runs) names.insert(each.workspace);
    return names;
  };
  CHECK(taken(4) == std::set<std::string>{"trtllm_fusion", "trtllm", "mnnvl"});
  CHECK(taken(3) == std::set<std::string>{"trtllm_fusion", "mnnvl"});
}

TEST_CASE("a worker is struck in a phase that its allocator goes through") {
  for (const Scenario& each : scenarios_of({.faults = {"worker_stopped"}}, 4).runs) {
    CAPTURE(each.allocator);
    CHECK(each.spec.phase == (each.allocator == "cuda_ipc" ? Phase::import_handle : Phase::map));
  }
}

TEST_CASE("the seed decides which ranks are struck, and nothing else does") {
  const auto ranks = [](std::uint64_t seed) {
    std::vector<int> struck;
    for (const Scenario& each : scenarios_of({.seed = seed}, 4).runs) struck.push_back(each.spec.rank);
    return struck;
  };
  CHECK(ranks(1) == ranks(1));
  CHECK(ranks(1) != ranks(2));
  const auto one = ranks(1);
  CHECK(std::set<int>(one.begin(), one.end()) == std::set{0, 1, 2, 3});
}

TEST_CASE("an exhaustive self test strikes every rank, and drivers with every code") {
  const Scenarios all = scenarios_of({.faults = {"packet_lost", "driver_code"}, .exhaustive = true}, 4);
  std::set<int> ranks, codes;
  for (const Scenario& each : all.runs) {
    if (each.fault().name == "packet_lost" && each.allocator == "cuda_ipc") ranks.insert(each.spec.rank);
    if (each.fault().name == "driver_code") codes.insert(each.spec.code);
  }
  CHECK(ranks == std::set{0, 1, 2, 3});
  CHECK(codes == std::set{2, 101, 400, 401, 800, 801, 802});
}

TEST_CASE("a self test of an unknown fault or allocator is refused with what there is") {
  const auto said = [](const SelftestPlan& plan) {
    try {
      (void)scenarios_of(plan, 4);
    } catch (const Error& error) {
      CHECK(error.failure().layer == Layer::config);
      return error.failure().detail;
    }
    return std::string();
  };
  CHECK(said({.faults = {"paket_lost"}}).find("did you mean packet_lost") != std::string::npos);
  CHECK(said({.allocators = {"torch"}}).find("not one of symm_device_memory") != std::string::npos);
}
