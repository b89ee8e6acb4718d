#include <catch2/catch_approx.hpp>

#include "check_schema.hpp"

using namespace symmbench;
using Catch::Approx;

namespace {

RunBuilder cuda_run() {
  RunBuilder run(1);
  run.started.device = {{"kind", "cuda"}, {"emulated", false}, {"asked", "cuda"}, {"reason", "asked for"}};
  run.add(run.ok(0, kSymm, 2.0, 1, 1));  // 16 KiB in 2 us
  return run;
}

FloorsRecord floors_of(int group, double barrier_us, double write_gbs) {
  return {.group = group,
          .workspace = "trtllm_fusion",
          .transport = "unicast",
          .allocator = kSymm,
          .empty_kernel_us = 0.52,
          .flag_barrier_us = barrier_us,
          .hop_us = 0.74,
          .peer_write_gbs = write_gbs,
          .peer_read_gbs = 325};
}

}  // namespace

TEST_CASE("measured floors are in the report and give each row of their group its limit") {
  RunBuilder run = cuda_run();
  run.add(floors_of(0, 1.45, 361));
  const Json report = checked_report(run);
  REQUIRE(report["fabric"]["floors"].size() == 1);
  const Json& floors = report["fabric"]["floors"][0];
  CHECK(floors["group"] == 0);
  CHECK(floors["flag_barrier_us"] == 1.45);
  CHECK(floors["peer_read_gbs"] == 325);
  CHECK(floors["measured"] == 1);
  const Json row = RunBuilder::row(report, 0, kSymm);
  CHECK(row["limit_us"] == Approx(1.45 + 3 * 16384 / 361e3));
  CHECK(row["of_limit"] == Approx(row["limit_us"].get<double>() / 2.0));
  // A row that did not run has a limit, and nothing to hold against it.
  CHECK(RunBuilder::row(report, 0, kTorch)["limit_us"] == row["limit_us"]);
  CHECK(RunBuilder::row(report, 0, kTorch)["of_limit"].is_null());
}

TEST_CASE("of several measurements of a group each figure is the best") {
  RunBuilder run = cuda_run();
  run.add(floors_of(0, 1.6, 350)).add(floors_of(0, 1.45, 340)).add(floors_of(0, 1.5, 361));
  const Json floors = checked_report(run)["fabric"]["floors"][0];
  CHECK(floors["flag_barrier_us"] == 1.45);
  CHECK(floors["peer_write_gbs"] == 361);
  CHECK(floors["measured"] == 3);
}

TEST_CASE("floors of another group of ranks give no limit, and neither does an emulated device") {
  RunBuilder other = cuda_run();
  other.add(floors_of(1, 1.45, 361));
  CHECK(RunBuilder::row(checked_report(other), 0, kSymm)["limit_us"].is_null());
  RunBuilder none = cuda_run();
  CHECK(checked_report(none)["fabric"]["floors"].empty());
  CHECK(RunBuilder::row(checked_report(none), 0, kSymm)["of_limit"].is_null());
  RunBuilder emulated(1);
  emulated.add(emulated.ok(0, kSymm)).add(floors_of(0, 1.45, 361));
  CHECK(RunBuilder::row(checked_report(emulated), 0, kSymm)["limit_us"].is_null());
}

TEST_CASE("skew is a distribution over stamped batches, with what it can be wrong by") {
  RunBuilder run(1);
  RowRecord row = run.ok(0, kSymm);
  row.skew_us = {1, 2, 3, 4, 5, 6, 7, 8, 9, 20};
  row.clock_error_us = 0.8;
  run.add(row).add(run.ok(0, kTorch));
  const Json report = checked_report(run);
  const Json measured = RunBuilder::row(report, 0, kSymm);
  CHECK(measured["skew_us"]["p50"] == 5);
  CHECK(measured["skew_us"]["max"] == 20);
  CHECK(measured["skew_us"]["samples"] == 10);
  CHECK(measured["clock_error_us"] == 0.8);
  CHECK(RunBuilder::row(report, 0, kTorch)["skew_us"].is_null());
  CHECK(RunBuilder::row(report, 0, kTorch)["clock_error_us"].is_null());
}
