#include "report/fold.hpp"

#include <algorithm>
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

#include "check_schema.hpp"
#include "support/failures.hpp"

using namespace symmbench;
using Catch::Approx;

TEST_CASE("a run in which everything passed folds to ok rows, comparisons and exit code 0") {
  const Json report = checked_report(RunBuilder().add_all_ok());
  REQUIRE(report["results"].size() == 4);
  for (const Json& row : report["results"]) {
    CHECK(row["status"] == "ok");
    CHECK(row["attempts"].empty());
    CHECK(row["reason"].is_null());
    CHECK(row["failure"].is_null());
  }
  CHECK(report["comparison"].size() == 2);
  CHECK(report["verdict"]["status"] == "passed");
  CHECK(report["verdict"]["exit_code"] == 0);
}

TEST_CASE("the report has every top-level key since version 1.0.0") {
  const Json report = RunBuilder(0).report();
  std::vector<std::string> keys;
  for (const auto& [key, value] : report.items()) keys.push_back(key);
  CHECK(keys == std::vector<std::string>{"schema_version", "tool", "run", "device", "fabric", "hosts", "ranks",
                                         "results", "stability", "stability_comparison", "comparison",
                                         "transport_comparison", "crossover", "probe", "bisect", "findings", "gate",
                                         "verdict"});
  CHECK(report["schema_version"] == "1.5.0");
}

TEST_CASE("planned rows come in the order of the plan, with their keys") {
  RunBuilder run(3);
  const Json report = checked_report(run);
  REQUIRE(report["results"].size() == 6);
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(report["results"][i]["case_id"] == run.started.planned_rows[i]["case_id"]);
    CHECK(report["results"][i]["allocator"] == run.started.planned_rows[i]["allocator"]);
    CHECK(report["results"][i]["message_bytes"] == run.started.planned_rows[i]["message_bytes"]);
    CHECK(report["results"][i]["handle"]["asked"] == "auto");
  }
}

TEST_CASE("measured values come from all blocks of the row") {
  RunBuilder run(1);
  RowRecord row = run.ok(0, kSymm);
  row.blocks = {{.position = 0, .batch_us = {1, 2, 3, 4, 5}}, {.position = 3, .batch_us = {6, 7, 8, 9, 10}}};
  row.rank_mean_us = {5, 9, 6, 7};
  run.add(row);
  const Json folded = RunBuilder::row(checked_report(run), 0, kSymm);
  const Json& time = folded["time_us"];
  CHECK(time["mean"] == Approx(5.5));
  CHECK(time["p50"] == 5);
  CHECK(time["p90"] == 9);
  CHECK(time["p95"].is_null());
  CHECK(time["p99"].is_null());
  CHECK(time["min"] == 1);
  CHECK(time["max"] == 10);
  CHECK(time["samples"] == 10);
  CHECK(time["ci95_low"].get<double>() < 5.5);
  CHECK(folded["slowest_rank"] == 1);
  CHECK_FALSE(folded.contains("samples_us"));
}

TEST_CASE("one sample has no spread, no interval and no percentile") {
  RunBuilder run(1);
  RowRecord row = run.ok(0, kSymm);
  row.blocks = {{.position = 0, .batch_us = {3}}};
  const Json time = RunBuilder::row(checked_report(run.add(row)), 0, kSymm)["time_us"];
  CHECK(time["mean"] == 3);
  for (const char* key : {"p50", "p90", "p95", "p99", "stdev", "ci95_low", "ci95_high"}) CHECK(time[key].is_null());
}

TEST_CASE("raw samples are kept only when asked for") {
  RunBuilder run(1);
  run.started.raw_samples = true;
  run.add(run.ok(0, kSymm, 10, 2, 1));
  const Json report = checked_report(run);
  CHECK(RunBuilder::row(report, 0, kSymm)["samples_us"].size() == 4);
  CHECK(RunBuilder::row(report, 0, kTorch)["samples_us"].empty());
}

TEST_CASE("an emulated device claims no bandwidth, a real one does") {
  RunBuilder run(1);
  run.add(run.ok(0, kSymm, 10));
  CHECK(RunBuilder::row(checked_report(run), 0, kSymm)["algbw_gbs"].is_null());
  CHECK(RunBuilder::row(checked_report(run), 0, kSymm)["wire_bytes"] == 3 * 16384);

  run.started.device = {{"kind", "cuda"}, {"emulated", false}};
  const Json row = RunBuilder::row(checked_report(run), 0, kSymm);
  const double mean_us = row["time_us"]["mean"].get<double>();
  CHECK(row["algbw_gbs"] == Approx(16384 / mean_us / 1e3));
  CHECK(row["busbw_gbs"] == Approx(16384 / mean_us / 1e3 * 1.5));

  run.started.device = Json::object();  // nobody said what the device is
  CHECK(RunBuilder::row(checked_report(run), 0, kSymm)["busbw_gbs"].is_null());
}

TEST_CASE("the slowest rank of a group is named by its world rank") {
  RunBuilder run(1);
  run.started.group_size = 2;
  for (Json& planned : run.started.planned_rows) {
    planned["group"] = 1;
    planned["group_size"] = 2;
  }
  RowRecord row = run.ok(0, kSymm);
  row.group = 1;
  row.rank_mean_us = {4, 5};
  CHECK(RunBuilder::row(checked_report(run.add(row)), 0, kSymm)["slowest_rank"] == 3);
}

TEST_CASE("a row that says ok but counted wrong elements is failed") {
  RunBuilder run(1);
  RowRecord row = run.ok(0, kSymm);
  row.wrong_elements = 3;
  const Json report = checked_report(run.add(row).add(run.ok(0, kTorch)));
  CHECK(RunBuilder::row(report, 0, kSymm)["status"] == "failed");
  CHECK(RunBuilder::row(report, 0, kSymm)["failure"]["reason"] == "wrong_data");
  CHECK(report["verdict"]["exit_code"] == 1);
  CHECK(report["comparison"].empty());
}

TEST_CASE("a row of wrong data keeps its times and its blame") {
  RunBuilder run(1);
  RowRecord row = run.ok(0, kTorch);
  row.status = "failed";
  row.wrong_elements = 512;
  row.failure = Failure{.layer = Layer::verify, .reason = Reason::wrong_data, .detail = "512 of 8192 elements wrong"};
  row.blame = {{"kind", "missing"}, {"source", 3}};
  const Json report = checked_report(run.add(row).add(run.ok(0, kSymm)));
  const Json folded = RunBuilder::row(report, 0, kTorch);
  CHECK(folded["status"] == "failed");
  CHECK(folded["time_us"]["samples"] == 60);
  CHECK(folded["blame"]["source"] == 3);
  CHECK(folded["attempts"].size() == 1);
  CHECK(RunBuilder::row(report, 0, kSymm)["status"] == "ok");
}

TEST_CASE("a planned skip is skipped with its reason and never waits for a record") {
  RunBuilder run(1);
  run.started.planned_rows[1]["skip"] = "needs 3 GiB, 1 GiB free";
  const Json report = checked_report(run.add(run.ok(0, kSymm)));
  CHECK(RunBuilder::row(report, 0, kTorch)["status"] == "skipped");
  CHECK(RunBuilder::row(report, 0, kTorch)["reason"] == "needs 3 GiB, 1 GiB free");
}

TEST_CASE("where machine facts forbid the run, the reason stands once and the rows point to it") {
  RunBuilder run;
  run.ended = RunEnded{"2026-01-31T23:59:59Z", false, "ranks 0 and 1 were given the same GPU"};
  const Json report = checked_report(run);
  CHECK(RunBuilder::row(report, 0, kSymm)["status"] == "not_tested");
  CHECK(RunBuilder::row(report, 0, kSymm)["reason"] == "nothing was run: run.interrupted_by says why");
  CHECK(report["run"]["interrupted_by"] == "ranks 0 and 1 were given the same GPU");
  CHECK(report["verdict"]["exit_code"] == 3);
}

TEST_CASE("a row without a record is not tested, and the reason says why") {
  RunBuilder run;
  run.add(run.ok(0, kSymm)).add(run.ok(0, kTorch));

  run.ended = RunEnded{"2026-01-31T23:59:59Z", false, "SIGTERM"};
  CHECK(RunBuilder::row(checked_report(run), 1, kSymm)["status"] == "not_tested");
  CHECK(RunBuilder::row(checked_report(run), 1, kSymm)["reason"] == "the run ended before this case: SIGTERM");
  CHECK(run.report()["run"]["interrupted_by"] == "SIGTERM");
  CHECK(run.report()["verdict"]["exit_code"] == 3);

  run.ended.reset();
  CHECK(RunBuilder::row(checked_report(run), 1, kSymm)["reason"] ==
        "the run was killed before this case: its journal has no end");
  CHECK(run.report()["run"]["complete"] == false);
  CHECK(run.report()["run"]["ended_at"].is_null());
  CHECK(run.report()["verdict"]["exit_code"] == 3);

  run.ended = RunEnded{"2026-01-31T23:59:59Z", true, std::nullopt};
  CHECK(RunBuilder::row(checked_report(run), 1, kSymm)["reason"] == "the run ended without a record of this case");
  CHECK(run.report()["verdict"]["exit_code"] == 3);  // it may have failed
}

TEST_CASE("without the plan there is no report") {
  const std::vector<Json> records{to_json(RunEnded{})};
  CHECK(failure_of([&] { fold_report(records); }).detail.find("run_started") != std::string::npos);
  CHECK_THROWS_AS(fold_report({}), Error);
}

TEST_CASE("a malformed record becomes an event and leaves no verdict, a record of unknown type is ignored") {
  RunBuilder run(1);
  run.add_all_ok();
  run.happened.push_back({{"type", "row"}, {"case_id", 5}});
  run.happened.push_back({{"type", "invented_later"}});
  run.happened.push_back(Json::array());
  const Json report = checked_report(run);
  REQUIRE(report["run"]["events"].size() == 1);
  CHECK(report["run"]["events"][0]["what"] == "unreadable_record");
  CHECK(report["verdict"]["exit_code"] == 3);  // it may have been a failure
}

TEST_CASE("records that two ranks kept count once") {
  RunBuilder run;
  run.add_all_ok();
  run.add(LifecycleRecord{
      .workspace = "trtllm_fusion", .transport = "unicast", .allocator = kSymm, .handle = {{"asked", "auto"}}});
  const Json once = run.report();
  const auto happened = run.happened;
  run.happened.insert(run.happened.end(), happened.begin(), happened.end());
  CHECK(run.report() == once);
}

TEST_CASE("every rank of the job has an entry, also one that never reported") {
  RunBuilder run(1);
  run.add(
      RankFacts{2,
                {{"host", "node1"},
                 {"boot_id", "b1"},
                 {"cpus", 8},
                 {"devices", Json::array({Json{{"kind", "host"}, {"usable", true}, {"name", "emulated"}, {"uuid", "U"}},
                                          Json{{"kind", "cuda"}, {"usable", false}, {"reason", "no driver"}}})},
                 {"environment", {{"NCCL_DEBUG", "INFO"}, {"odd", 3}}},
                 {"invented_later", 1}}});
  const Json report = checked_report(run.add_all_ok());
  REQUIRE(report["ranks"].size() == 4);
  CHECK(report["ranks"][0]["host"].is_null());
  CHECK(report["ranks"][2]["host"] == "node1");
  CHECK(report["ranks"][2]["gpu_uuid"] == "U");
  CHECK(report["ranks"][2]["devices"][1]["reason"] == "no driver");
  CHECK(report["ranks"][2]["environment"] == Json{{"NCCL_DEBUG", "INFO"}});
  CHECK(report["fabric"]["hosts"] == 1);
}

TEST_CASE("a comparison names the allocators in the order of the plan and pairs their blocks") {
  RunBuilder run(1);
  run.add(run.ok(0, kSymm, 8)).add(run.ok(0, kTorch, 10));
  const Json entry = checked_report(run)["comparison"].at(0);
  CHECK(entry["allocators"] == Json::array({kSymm, kTorch}));
  CHECK(entry["ratio"] == Approx(0.8));
  CHECK(entry["verdict"] == "faster");
  CHECK(entry["ci"][0].get<double>() < 0.8);
  CHECK(entry["ci"][1].get<double>() > 0.8);
}

TEST_CASE("a comparison is flat, says how much it rests on and why, and a row how far its placements differ") {
  RunBuilder run(1);
  RowRecord slow = run.ok(0, kSymm, 8);
  for (auto& block : slow.blocks) {
    for (double& time : block.batch_us) time *= block.placement == 5 ? 1.5 : 1;
  }
  const Json report = checked_report(run.add(slow).add(run.ok(0, kTorch, 8)));
  const Json entry = report["comparison"].at(0);
  const Json keys{{"allocator_a", kSymm}, {"allocator_b", kTorch},  {"workspace", "trtllm_fusion"},
                  {"handle", "auto"},     {"pattern", "allreduce"}, {"algorithm", "one_shot"},
                  {"dtype", "bf16"},      {"message_bytes", 16384}, {"samples", 60},
                  {"placements", 6},      {"in_place", false},      {"verdict", "ambiguous"}};
  for (const auto& [key, value] : keys.items()) CHECK(entry[key] == value);
  CHECK(entry["ci_low"] == entry["ci"][0]);
  CHECK(entry["ci_high"] == entry["ci"][1]);
  CHECK(entry["time_b_us"].get<double>() == Approx(8.016));
  CHECK(entry["reason"].get<std::string>().find("by placement 1.000 to 1.500") != std::string::npos);
  const Json row = RunBuilder::row(report, 0, kSymm);
  CHECK(row["placements"] == 6);
  CHECK(row["placement_spread"].get<double>() == Approx(0.5).margin(0.001));
}

TEST_CASE("blocks of journals that knew one placement are one") {
  RunBuilder run(1);
  run.add(run.ok(0, kSymm, 8, 5, 1)).add(run.ok(0, kTorch, 10, 5, 1));
  for (Json& record : run.happened) {
    for (Json& block : record["blocks"]) block.erase("placement");
  }
  const Json report = checked_report(run);
  CHECK(report["comparison"].at(0)["reason"] == "1 placement, 6 are needed");
  CHECK(report["comparison"].at(0)["ci"].is_null());
  CHECK(RunBuilder::row(report, 0, kSymm)["placements"] == 1);
  CHECK(RunBuilder::row(report, 0, kSymm)["placement_spread"].is_null());
}

TEST_CASE("what is decided for one size alone may not be among all of its pattern") {
  RunBuilder run(40);
  run.add_all_ok();
  // +5 % in six placements, just clear enough by itself.
  const std::vector<double> ratios{1.035, 1.065, 1.04, 1.06, 1.04, 1.06};
  for (Json& record : run.happened) {
    if (record["case_id"] != RunBuilder::case_id(0) || record["allocator"] != kSymm) continue;
    for (Json& block : record["blocks"]) {
      for (Json& time : block["batch_us"]) time = time.get<double>() * ratios.at(block["placement"].get<std::size_t>());
    }
  }
  const Json entry = checked_report(run)["comparison"].at(0);
  CHECK(entry["ci_low"].get<double>() > 1.03);
  CHECK(entry["verdict"] == "ambiguous");
  CHECK(entry["reason"].get<std::string>().find("one of 40 comparisons") != std::string::npos);
}

TEST_CASE("rows that were not interleaved are not compared") {
  RunBuilder run(1);
  RowRecord later = run.ok(0, kTorch);
  later.attempt = 7;
  CHECK(checked_report(run.add(run.ok(0, kSymm)).add(later))["comparison"].empty());
}

TEST_CASE("of three allocators each other one is compared with the first") {
  RunBuilder run(1, {kSymm, kTorch, kIpc});
  const Json comparison = checked_report(run.add_all_ok())["comparison"];
  REQUIRE(comparison.size() == 2);
  CHECK(comparison[0]["allocators"] == Json{kSymm, kTorch});
  CHECK(comparison[1]["allocators"] == Json{kSymm, kIpc});
}

TEST_CASE("where the first allocator has no result, the others are compared with the first that has one") {
  RunBuilder run(1, {kSymm, kTorch, kIpc});
  run.started.planned_rows[0]["skip"] = "no such handle";
  const Json comparison = checked_report(run.add(run.ok(0, kTorch)).add(run.ok(0, kIpc)))["comparison"];
  REQUIRE(comparison.size() == 1);
  CHECK(comparison[0]["allocators"] == Json{kTorch, kIpc});
}

TEST_CASE("what ran alone is left out, and those that ran together are compared all the same") {
  RunBuilder run(1, {kSymm, kTorch, kIpc});
  RowRecord torch = run.ok(0, kTorch), ipc = run.ok(0, kIpc);
  torch.attempt = ipc.attempt = 2;
  const Json comparison = checked_report(run.add(run.ok(0, kSymm)).add(torch).add(ipc))["comparison"];
  REQUIRE(comparison.size() == 1);
  CHECK(comparison[0]["allocators"] == Json{kTorch, kIpc});
}

TEST_CASE("a row says whether it is a reference: as the plan does, else by its algorithm") {
  RunBuilder run(3, {kSymm});
  run.started.planned_rows[0]["reference"] = true;
  run.started.planned_rows[1]["algorithm"] = "nccl";
  const Json results = checked_report(run.add_all_ok())["results"];
  CHECK(results[0]["reference"] == true);
  CHECK(results[1]["reference"] == true);
  CHECK(results[2]["reference"] == false);
}
