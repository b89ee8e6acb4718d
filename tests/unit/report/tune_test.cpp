#include "report/tune.hpp"

#include <catch2/catch_test_macros.hpp>

#include "check_schema.hpp"
#include "config/tuning.hpp"
#include "contest_run.hpp"
#include "core/units.hpp"
#include "support/failures.hpp"

using namespace symmbench;

namespace {

/// The table of a run; it must be one that --tuning and validate take.
Json table_of(const ContestRun& run, const std::string& family = "host") {
  Json table = tuning_table(run.builder().report(), family);
  CHECK(validate(table, schema_text("tuning")).empty());
  CHECK(tuning_entries(table, "it").size() == table.at("tables").size());
  return table;
}

Json choices_of(const ContestRun& run) {
  const Json table = table_of(run);
  REQUIRE(table.at("tables").size() == 1);
  return table.at("tables")[0].at("choices");
}

Json step(Json up_to_bytes, const char* algorithm) { return {{"up_to_bytes", up_to_bytes}, {"algorithm", algorithm}}; }

/// Clearly decided (two_shot / one_shot as given), or tied within the intervals.
void size(ContestRun& run, std::uint64_t bytes, double ratio, const Json& changes = Json::object()) {
  run.row("one_shot", bytes, 10, 0.001, changes).row("two_shot", bytes, 10 * ratio, 0.001, changes);
}
void wide(ContestRun& run, std::uint64_t bytes, double ratio) {
  run.row("one_shot", bytes, 10, 0.2).row("two_shot", bytes, 10 * ratio, 0.2);
}

}  // namespace

TEST_CASE("two sizes with different winners meet halfway, and two_shot goes on above the largest") {
  ContestRun run;
  size(run, 128 * kKiB, 1.09);
  size(run, 256 * kKiB, 0.9);
  size(run, 64 * kKiB, 1.5);
  CHECK(choices_of(run) == Json::array({step(192 * kKiB, "one_shot"), step(nullptr, "two_shot")}));
}

TEST_CASE("one_shot says nothing above the largest measured size") {
  ContestRun run;
  size(run, 1 * kKiB, 1.5);
  size(run, 4 * kKiB, 1.5);
  CHECK(choices_of(run) == Json::array({step(4 * kKiB, "one_shot")}));
}

TEST_CASE("a tie takes its smaller neighbour's choice, within the intervals or within what is of no consequence") {
  ContestRun run;
  size(run, 1 * kKiB, 1.5);
  size(run, 2 * kKiB, 0.98);  // two_shot is faster for sure, by nothing
  wide(run, 4 * kKiB, 0.9);   // by more, but nobody knows
  size(run, 8 * kKiB, 1.5);
  size(run, 16 * kKiB, 0.5);
  CHECK(choices_of(run) == Json::array({step(12 * kKiB, "one_shot"), step(nullptr, "two_shot")}));
  CHECK(table_of(run).at("tables")[0].at("source") == "bf16: 5 sizes from 1 KiB to 16 KiB, 2 of them tied");
}

TEST_CASE("a tie without a smaller neighbour takes the nearest larger one that is decided") {
  ContestRun run;
  size(run, 1 * kKiB, 1.01);
  wide(run, 2 * kKiB, 1.05);
  size(run, 4 * kKiB, 0.5);
  CHECK(choices_of(run) == Json::array({step(nullptr, "two_shot")}));
}

TEST_CASE("where every size is a tie the algorithm that is faster over all of them takes those, and nothing beyond") {
  ContestRun run;
  size(run, 1 * kKiB, 1.01);
  size(run, 2 * kKiB, 0.975);
  size(run, 4 * kKiB, 1.01);
  CHECK(choices_of(run) == Json::array({step(4 * kKiB, "two_shot")}));
  CHECK(table_of(run).at("tables")[0].at("source") == "bf16: 3 sizes from 1 KiB to 4 KiB, 3 of them tied");
}

TEST_CASE("a single sample decides nothing") {
  ContestRun run;
  size(run, 1 * kKiB, 1.5);
  run.row("one_shot", 2 * kKiB, 10).row("two_shot", 2 * kKiB, 8);
  for (Json& record : run.builder().happened) {
    if (record.at("case_id") == "row-2") record["blocks"][0]["batch_us"] = Json::array({10.0});
  }
  CHECK(choices_of(run) == Json::array({step(2 * kKiB, "one_shot")}));
}

TEST_CASE("allocators count alike, and only those under which every algorithm passed") {
  ContestRun run({kSymm, kTorch});
  const Json torch{{"allocator", kTorch}};
  size(run, 1 * kKiB, 1.1);
  size(run, 1 * kKiB, 0.7, torch);
  CHECK(choices_of(run) == Json::array({step(nullptr, "two_shot")}));
  size(run, 2 * kKiB, 1.5);
  // So slow that it would decide; but its rival failed here.
  run.row("one_shot", 2 * kKiB, 1000, 0.001, torch).failed("two_shot", 2 * kKiB, torch);
  CHECK(choices_of(run) == Json::array({step(1536, "two_shot"), step(2 * kKiB, "one_shot")}));
}

TEST_CASE("dtypes that agree make one entry, others one each, and patterns their own") {
  ContestRun run;
  size(run, 1 * kKiB, 1.5);
  size(run, 1 * kKiB, 1.4, {{"dtype", "fp16"}});
  Json table = table_of(run);
  REQUIRE(table["tables"].size() == 1);
  CHECK_FALSE(table["tables"][0].contains("dtype"));
  size(run, 1 * kKiB, 0.5, {{"dtype", "fp32"}});
  size(run, 1 * kKiB, 0.5, {{"pattern", "residual_rmsnorm"}});
  table = table_of(run);
  REQUIRE(table["tables"].size() == 4);
  const TuningTable tuning{.name = "file", .entries = tuning_entries(table, "it")};
  CHECK(tuning.algorithm_for(4, "allreduce", DType::fp16, kKiB) == "one_shot");
  CHECK(tuning.algorithm_for(4, "allreduce", DType::fp32, kKiB) == "two_shot");
  CHECK(tuning.algorithm_for(4, "residual_rmsnorm", DType::fp32, kKiB) == "two_shot");
}

TEST_CASE("a peer never wins a tuning table") {
  ContestRun run;
  size(run, 1 * kKiB, 1.5);
  run.row("nccl", 1 * kKiB, 1);
  CHECK(choices_of(run) == Json::array({step(1 * kKiB, "one_shot")}));
}

TEST_CASE("an algorithm that stands alone at a size is its choice") {
  ContestRun run;
  size(run, 1 * kKiB, 0.5);
  run.row("two_shot_barrier", 4 * kKiB, 10);
  CHECK(choices_of(run) == Json::array({step(2560, "two_shot"), step(nullptr, "two_shot_barrier")}));
}

TEST_CASE("a table says its family, whether it was emulated, and who measured it") {
  ContestRun run;
  size(run, 1 * kKiB, 1.5);
  const Json table = table_of(run);
  CHECK(table["family"] == "host");
  CHECK(table["emulated"] == true);
  CHECK(table["source"].get<std::string>().find("run --tune, 2026-01-31T23:59:58.000Z, 4 ranks") != std::string::npos);
  run.builder().started.device["emulated"] = false;
  CHECK(table_of(run, "sm90")["emulated"] == false);
}

TEST_CASE("nothing measured, no algorithm beside another, or GPUs of several kinds give no table") {
  const auto problem = [](const ContestRun& run, const std::string& family) {
    return failure_of([&] { (void)tuning_table(run.builder().report(), family); }).detail;
  };
  const std::string no_contest = "no tuning table: at no size did all algorithms pass under one allocator";
  ContestRun run({kSymm, kTorch});
  CHECK(problem(run, "host") == no_contest);
  run.row("one_shot", 1024, 10).row("two_shot", 1024, 10, 0.001, {{"allocator", kTorch}});
  CHECK(problem(run, "host") == no_contest);
  CHECK(problem(run, "") == "no tuning table: the GPUs differ, or did not say their SM version");
}
