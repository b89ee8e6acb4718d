// Groups of cases with transport multicast, on emulated devices of which the team is made.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <set>

#include "support/bench_group.hpp"
#include "support/failures.hpp"

using namespace symmbench;
using namespace symmbench::test;

namespace {

Json small_multicast_run() {
  return {{"workspace", "mnnvl"}, {"multicast", "on"}, {"device", "host"},  {"tokens", "1,3"},  {"hidden", "256"},
          {"iters", "4"},         {"cudagraph", "2"},  {"placements", "1"}, {"lifecycles", "1"}};
}

GroupSetup with_multicast(const MulticastOptions& multicast = {}) {
  return {.driver_of = [=](int) {
    return std::make_unique<HostDriver>(HostDriverOptions{.multicast_supported = true, .multicast = multicast});
  }};
}

}  // namespace

TEST_CASE("multicast rows are right in every algorithm, plain and fused, whatever shapes take turns in a slot") {
  Json options = small_multicast_run();
  options["pattern"] = "allreduce,residual_rmsnorm,residual_rmsnorm_mxfp8";
  options["datatype"] = "bf16,fp32";
  const auto rows = rows_in(run_group(2, config_of(options), 0, with_multicast()));
  REQUIRE(rows.size() == 3 * 2 * 2 * 2 * 2);
  for (const auto& row : rows) {
    INFO(row.case_id << " " << row.allocator << " " << row.reason.value_or(""));
    CHECK(row.status == "ok");
    CHECK(row.wrong_elements == 0);
    CHECK(row.multicast.at("used") == "on");
  }
}

TEST_CASE("a multicast workspace lives and goes in every lifecycle, with nothing left behind") {
  for (const std::size_t group : {1u, 2u}) {
    for (const Json& record : run_group(2, config_of(small_multicast_run()), group, with_multicast())) {
      if (type_of(record) != "lifecycle") continue;
      const auto cycle = lifecycle_from(record);
      CHECK(cycle.transport == "multicast");
      CHECK_FALSE(cycle.failure);
      for (const auto* what : {"mappings", "handles", "va_bytes", "device_bytes"}) CHECK(cycle.leaks.at(what) == 0);
    }
  }
}

TEST_CASE("an allocator that goes on without multicast fails its multicast rows with what kept it from that") {
  // Blocks are rounded to what memory needs, and that is no multiple of what an object needs.
  const auto rows =
      rows_in(run_group(2, config_of(small_multicast_run()), 0, with_multicast({.granularity = 8 << 20})));
  std::set<std::string> ok;
  for (const auto& row : rows) {
    if (row.status == "ok") {
      ok.insert(row.allocator);
      continue;
    }
    REQUIRE(row.failure);
    CHECK(row.failure->phase == Phase::multicast);
    CHECK(row.failure->call == "cuMulticastCreate");
    CHECK(row.failure->code == driver_code::kInvalidValue);
    CHECK(row.failure->rank == 0);
    CHECK(row.failure->detail.find("segment lamport has no multicast address") != std::string::npos);
  }
  CHECK(ok == std::set<std::string>{"symm_device_memory"});
}

TEST_CASE("on a device that is not emulated no multicast call is reached, whatever was planned") {
  GroupSetup setup = with_multicast();
  setup.emulated = false;
  setup.faults_of = [](int) {
    return std::vector<DriverFault>{{.call = DriverCall::create_multicast, .code = driver_code::kNotPermitted}};
  };
  const auto failure = failure_of([&] { run_group(2, config_of(small_multicast_run()), 0, setup); });
  CHECK(failure.reason == Reason::not_supported);
  CHECK(failure.detail.find("not in this version on GPUs") != std::string::npos);
}
