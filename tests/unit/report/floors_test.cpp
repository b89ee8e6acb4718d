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
  CHECK(row["of_limit"] == Approx(row["limit_us"].get<double>() / row["time_us"]["mean"].get<double>()));
  // A row that did not run has a limit, and nothing to hold against it.
  CHECK(RunBuilder::row(report, 0, kTorch)["limit_us"] == row["limit_us"]);
  CHECK(RunBuilder::row(report, 0, kTorch)["of_limit"].is_null());
}

TEST_CASE("a limit that a row beats by more than the noise is none: that row is the limit of all of its size") {
  RunBuilder run = cuda_run();
  run.add(run.ok(0, kTorch, 2.5, 1)).add(floors_of(0, 2.2, 361));
  const Json report = checked_report(run);
  const Json fastest = RunBuilder::row(report, 0, kSymm), slower = RunBuilder::row(report, 0, kTorch);
  CHECK(fastest["limit_us"] == fastest["time_us"]["mean"]);
  CHECK(fastest["of_limit"] == 1);
  CHECK(fastest["limit_from"] == "row");
  CHECK(slower["limit_us"] == fastest["limit_us"]);
  CHECK(slower["of_limit"] == Approx(fastest["limit_us"].get<double>() / slower["time_us"]["mean"].get<double>()));
  CHECK(slower["limit_from"] == "row");
}

TEST_CASE("a row that is faster than the floors by noise leaves them the limit, and a failed row beats nothing") {
  RunBuilder within = cuda_run();
  within.add(floors_of(0, 1.875, 361));  // and 0.136 us of wire: 0.5 % above the row's 2 us
  const Json row = RunBuilder::row(checked_report(within), 0, kSymm);
  CHECK(row["limit_from"] == "floors");
  CHECK(row["of_limit"].get<double>() > 1);
  CHECK(row["of_limit"].get<double>() < 1.01);

  RunBuilder failed(1);
  failed.started.device = {{"kind", "cuda"}, {"emulated", false}, {"asked", "cuda"}, {"reason", "asked for"}};
  failed.add(failed.failed(0, 1, {kSymm})).add(floors_of(0, 2.2, 361));
  CHECK(RunBuilder::row(checked_report(failed), 0, kSymm)["limit_from"] == "floors");
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
