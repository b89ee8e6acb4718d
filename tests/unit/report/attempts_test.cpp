// What becomes of rows when workers crash, hang, are restarted and given up.
#include <catch2/catch_test_macros.hpp>

#include "check_schema.hpp"

using namespace symmbench;

namespace {

EventRecord given_up(const std::vector<std::string>& case_ids, const std::vector<std::string>& allocators) {
  return {.what = "group_skipped",
          .detail = "3 equal failures in a row",
          .data = {{"label", "group-0"}, {"case_ids", case_ids}, {"allocators", allocators}, {"bring_up", false}}};
}

}  // namespace

TEST_CASE("when one of a pair fails by itself and the other passes, only the one has failed") {
  RunBuilder run(1);
  run.add(run.failed(0, 1, {kSymm, kTorch})).add(alone(run.ok(0, kSymm), 2)).add(run.failed(0, 3, {kTorch}, true));
  const Json report = checked_report(run);
  const Json symm = RunBuilder::row(report, 0, kSymm), torch = RunBuilder::row(report, 0, kTorch);
  CHECK(symm["status"] == "ok");
  CHECK(symm["time_us"]["samples"] == 60);
  CHECK(symm["attempts"].size() == 2);
  CHECK(symm["attempts"][0]["status"] == "interrupted");
  CHECK(torch["status"] == "failed");
  CHECK(torch["failure"]["reason"] == "crashed");
  CHECK(torch["attempts"].size() == 2);
  CHECK(torch["attempts"][1]["alone"] == true);
  CHECK(exit_code(report) == 1);
}

TEST_CASE("of three that fail together the one that fails by itself has failed, and the others that pass have not") {
  RunBuilder run(1, {kSymm, kTorch, kIpc});
  run.add(run.failed(0, 1, {kSymm, kTorch, kIpc}))
      .add(alone(run.ok(0, kSymm), 2))
      .add(run.failed(0, 3, {kTorch}, true))
      .add(alone(run.ok(0, kIpc), 4));
  const Json report = checked_report(run);
  CHECK(RunBuilder::row(report, 0, kSymm)["status"] == "ok");
  CHECK(RunBuilder::row(report, 0, kTorch)["status"] == "failed");
  CHECK(RunBuilder::row(report, 0, kIpc)["status"] == "ok");
  CHECK(report["comparison"].empty());  // each ran at a time of its own
}

TEST_CASE("a failure that names its allocator is that allocator's alone, whatever passes afterwards") {
  RunBuilder run(1);
  FailureRecord crash = run.failed(0, 1, {kSymm, kTorch});
  crash.failure.allocator = kTorch;
  run.add(crash);
  SECTION("and who ran beside it was interrupted") {
    const Json report = checked_report(run);
    const Json symm = RunBuilder::row(report, 0, kSymm), torch = RunBuilder::row(report, 0, kTorch);
    CHECK(torch["status"] == "failed");
    CHECK(torch["failure"]["allocator"] == kTorch);
    CHECK(symm["status"] == "interrupted");
    CHECK(symm["failure"] == torch["failure"]);  // one event, one record
    CHECK(exit_code(report) == 1);
  }
  SECTION("and who ran beside it is judged by its repetition") {
    run.add(alone(run.ok(0, kSymm), 2)).add(alone(run.ok(0, kTorch), 3));
    const Json report = checked_report(run);
    const Json symm = RunBuilder::row(report, 0, kSymm), torch = RunBuilder::row(report, 0, kTorch);
    CHECK(symm["status"] == "ok");
    CHECK(symm["attempts"][0]["status"] == "interrupted");
    CHECK(torch["status"] == "failed");
    CHECK(torch["attempts"].size() == 2);
    CHECK(report["run"]["incidents"].empty());
    CHECK(exit_code(report) == 1);
  }
}

TEST_CASE("a failure carries host and GPU of its rank") {
  RunBuilder run(1, {kSymm});
  run.add(RankFacts{2,
                    {{"host", "node7"},
                     {"devices", Json::array({Json{{"kind", "cuda"}, {"uuid", "GPU-no"}},
                                              Json{{"kind", "host"}, {"uuid", "GPU-yes"}}})}}});
  const Json failure = RunBuilder::row(checked_report(run.add(run.failed(0, 1, {kSymm}))), 0, kSymm)["failure"];
  CHECK(failure["host"] == "node7");
  CHECK(failure["gpu"] == "GPU-yes");
}

TEST_CASE("when each of those that failed together passes by itself, nobody is blamed and the event stays") {
  RunBuilder run(1, {kSymm, kTorch, kIpc});
  run.add(run.failed(0, 1, {kSymm, kTorch, kIpc}));
  int attempt = 1;
  for (const auto& allocator : {kSymm, kTorch, kIpc}) run.add(alone(run.ok(0, allocator), ++attempt));
  const Json report = checked_report(run);
  for (const auto& allocator : {kSymm, kTorch, kIpc}) {
    const Json row = RunBuilder::row(report, 0, allocator);
    CHECK(row["status"] == "ok");
    CHECK(row["time_us"]["samples"] == 60);
    CHECK(row["attempts"][0]["status"] == "interrupted");
  }
  CHECK(report["comparison"].empty());
  REQUIRE(report["run"]["incidents"].size() == 1);
  CHECK(report["run"]["incidents"][0]["failure"]["rank"] == 2);
  CHECK(exit_code(report) == 1);
}

TEST_CASE("an allocator that never ran explains nobody's failure") {
  RunBuilder run(1);
  RowRecord never = run.ok(0, kTorch);
  never.status = "failed";
  never.reason = "the workspace could not be brought up";
  never.blocks.clear();
  run.add(never).add(run.failed(0, 1, {kSymm, kTorch})).add(alone(run.ok(0, kSymm), 2));
  const Json report = checked_report(run);
  CHECK(RunBuilder::row(report, 0, kSymm)["status"] == "ok");
  CHECK(report["run"]["incidents"].size() == 1);
}

TEST_CASE("when both of a pair fail by themselves, each shows its own failure") {
  RunBuilder run(1);
  FailureRecord torch = run.failed(0, 3, {kTorch}, true);
  torch.failure.rank = 1;
  run.add(run.failed(0, 1, {kSymm, kTorch})).add(run.failed(0, 2, {kSymm}, true)).add(torch);
  const Json report = checked_report(run);
  CHECK(RunBuilder::row(report, 0, kSymm)["failure"]["rank"] == 2);
  CHECK(RunBuilder::row(report, 0, kTorch)["failure"]["rank"] == 1);
}

TEST_CASE("of a pair that failed and was not run again both were interrupted, and the run has failed") {
  RunBuilder run(1);
  const Json report = checked_report(run.add(run.failed(0, 1, {kSymm, kTorch})));
  for (const auto& allocator : {kSymm, kTorch}) {
    CHECK(RunBuilder::row(report, 0, allocator)["status"] == "interrupted");
    CHECK(RunBuilder::row(report, 0, allocator)["failure"]["rank"] == 2);
  }
  CHECK(exit_code(report) == 1);
}

TEST_CASE("an allocator whose partner failed by itself, and which never ran again, was interrupted") {
  RunBuilder run(1);
  run.add(run.failed(0, 1, {kSymm, kTorch})).add(run.failed(0, 2, {kTorch}, true));
  run.ended = RunEnded{"2026-01-31T23:59:59Z", false, "SIGINT"};
  const Json report = checked_report(run);
  CHECK(RunBuilder::row(report, 0, kSymm)["status"] == "interrupted");
  CHECK(RunBuilder::row(report, 0, kTorch)["status"] == "failed");
}

TEST_CASE("a hang of a pair stays a hang of the run, also where both pass alone") {
  RunBuilder run(1);
  FailureRecord hang = run.failed(0, 1, {kSymm, kTorch});
  hang.status = "hung";
  hang.failure = {.layer = Layer::supervisor, .reason = Reason::timed_out, .phase = Phase::use, .rank = 0, .peer = 3};
  run.add(hang).add(alone(run.ok(0, kSymm), 2)).add(alone(run.ok(0, kTorch), 3));
  const Json report = checked_report(run);
  CHECK(RunBuilder::row(report, 0, kSymm)["status"] == "ok");
  CHECK(report["run"]["incidents"][0]["status"] == "hung");
  CHECK(report["run"]["incidents"][0]["failure"]["peer"] == 3);
  CHECK(exit_code(report) == 4);
}

TEST_CASE("the first failure of a row is its failure: a later one may follow from it, or from the machine") {
  RunBuilder run(1, {kSymm});
  FailureRecord hang = run.failed(0, 2, {kSymm});
  hang.status = "hung";
  const Json report = checked_report(run.add(hang).add(run.failed(0, 1, {kSymm})));
  const Json row = RunBuilder::row(report, 0, kSymm);
  CHECK(row["status"] == "failed");
  CHECK(row["attempts"].size() == 2);
  // The run's exit code is by precedence over all that happened.
  CHECK(report["stability"][0]["hangs"] == 1);
  CHECK(exit_code(report) == 4);
  const auto lines = report["verdict"]["summary"].dump();
  CHECK(lines.find("hung: symm_device_memory") != std::string::npos);
  CHECK(lines.find("failed: symm_device_memory") != std::string::npos);
}

TEST_CASE("a hang of a pair of which one fails alone, in another way, stays a hang of the run") {
  RunBuilder run(1);
  FailureRecord hang = run.failed(0, 1, {kSymm, kTorch});
  hang.status = "hung";
  run.add(hang).add(alone(run.ok(0, kSymm), 2)).add(run.failed(0, 3, {kTorch}, true));
  const Json report = checked_report(run);
  CHECK(RunBuilder::row(report, 0, kTorch)["status"] == "failed");
  CHECK(exit_code(report) == 4);
  REQUIRE(report["stability"].size() == 2);
  CHECK(report["stability"][1]["incidents"].size() == 1);
  CHECK(report["stability"][1]["hangs"] == 1);
}

TEST_CASE("a failure of the only allocator is its own, and a later success does not hide it") {
  RunBuilder run(1, {kSymm});
  RowRecord later = run.ok(0, kSymm);
  later.attempt = 2;
  const Json row = RunBuilder::row(checked_report(run.add(run.failed(0, 1, {kSymm})).add(later)), 0, kSymm);
  CHECK(row["status"] == "failed");
  CHECK(row["attempts"].size() == 2);
}

TEST_CASE("cases that are given up after the third failure are skipped with that reason") {
  RunBuilder run(4, {kSymm});
  for (int i = 0; i < 3; ++i) run.add(run.failed(i, i, {kSymm}));
  run.add(given_up({RunBuilder::case_id(3)}, {kSymm}));
  const Json report = checked_report(run);
  CHECK(RunBuilder::row(report, 2, kSymm)["status"] == "failed");
  CHECK(RunBuilder::row(report, 3, kSymm)["status"] == "skipped");
  CHECK(RunBuilder::row(report, 3, kSymm)["reason"] == "3 equal failures in a row");
  CHECK(exit_code(report) == 1);
}

TEST_CASE("what a supervisor did is no allocator's failure, not even of the only one") {
  RunBuilder run(2, {kSymm});
  FailureRecord stood_still = run.failed(0, 0, {kSymm}, true);
  stood_still.status = "hung";
  stood_still.failure = {.layer = Layer::supervisor, .reason = Reason::timed_out, .detail = "did not run", .rank = 1};
  const Json report = checked_report(run.add(stood_still).add(run.ok(1, kSymm)));
  CHECK(RunBuilder::row(report, 0, kSymm)["status"] == "interrupted");
  REQUIRE(report["run"]["incidents"].size() == 1);
  CHECK(report["run"]["incidents"][0]["failure"]["rank"] == 1);
  CHECK(exit_code(report) == 4);
}

TEST_CASE("the case that ran when the run was stopped was interrupted, the others are not tested") {
  RunBuilder run(3, {kSymm});
  run.add(run.ok(0, kSymm));
  run.add(EventRecord{.what = "case_cut_off",
                      .detail = "the run was stopped while it ran",
                      .data = {{"case_ids", {RunBuilder::case_id(1)}}, {"allocators", {kSymm}}}});
  run.ended = RunEnded{"2026-01-31T23:59:59Z", false, "SIGTERM (from the launcher)"};
  const Json report = checked_report(run);
  CHECK(RunBuilder::row(report, 1, kSymm)["status"] == "interrupted");
  CHECK(RunBuilder::row(report, 2, kSymm)["status"] == "not_tested");
  CHECK(report["verdict"]["status"] == "interrupted");
  CHECK(exit_code(report) == 3);
}

TEST_CASE("giving a group up does not touch rows that have a result, other allocators or other groups") {
  RunBuilder run(2);
  run.add(run.ok(0, kSymm)).add(given_up({RunBuilder::case_id(0), RunBuilder::case_id(1)}, {kSymm}));
  EventRecord other_group = given_up({RunBuilder::case_id(1)}, {kTorch});
  other_group.group = 5;
  const Json report = checked_report(run.add(other_group));
  CHECK(RunBuilder::row(report, 0, kSymm)["status"] == "ok");
  CHECK(RunBuilder::row(report, 1, kSymm)["status"] == "skipped");
  CHECK(RunBuilder::row(report, 1, kTorch)["status"] == "not_tested");
}

TEST_CASE("a group that is given up without particulars skips all that has not run") {
  RunBuilder run(2);
  run.add(run.ok(0, kSymm)).add(EventRecord{.what = "group_skipped", .detail = "gone", .data = nullptr});
  const Json report = checked_report(run);
  CHECK(RunBuilder::row(report, 0, kSymm)["status"] == "ok");
  CHECK(RunBuilder::row(report, 1, kTorch)["status"] == "skipped");
}

TEST_CASE("a workspace that could not be brought up fails the rows that it cost") {
  RunBuilder run(2);
  FailureRecord bring_up = run.failed(-1, 1, {kTorch}, true);
  bring_up.failure = {.layer = Layer::driver,
                      .reason = Reason::not_permitted,
                      .call = "cuMemCreate",
                      .phase = Phase::create,
                      .rank = 0,
                      .code = 800};
  run.add(run.ok(0, kSymm)).add(run.ok(1, kSymm)).add(bring_up);
  run.add(given_up({RunBuilder::case_id(0), RunBuilder::case_id(1)}, {kTorch}));
  const Json report = checked_report(run);
  for (int i = 0; i < 2; ++i) {
    CHECK(RunBuilder::row(report, i, kSymm)["status"] == "ok");
    CHECK(RunBuilder::row(report, i, kTorch)["status"] == "failed");
    CHECK(RunBuilder::row(report, i, kTorch)["failure"]["code"] == 800);
  }
  CHECK(exit_code(report) == 1);
}

TEST_CASE("when a pair cannot be brought up, the allocator that fails by itself is the one to blame") {
  RunBuilder run(1);
  run.add(run.failed(-1, 1, {kSymm, kTorch})).add(run.failed(-1, 2, {kTorch}, true)).add(alone(run.ok(0, kSymm), 3));
  const Json report = checked_report(run);
  CHECK(RunBuilder::row(report, 0, kSymm)["status"] == "ok");
  CHECK(RunBuilder::row(report, 0, kTorch)["status"] == "failed");
  for (const Json& entry : report["stability"])
    CHECK(entry["incidents"].size() == (entry["allocator"] == kTorch ? 2 : 0));
}

TEST_CASE("a failed bring-up of another case group costs this row nothing") {
  RunBuilder run(1, {kSymm});
  run.ended = RunEnded{"2026-01-31T23:59:59Z", false, "SIGTERM"};
  run.add(run.failed(-1, 1, {kSymm}));
  SECTION("known by the label of the row") {
    run.started.planned_rows[0]["label"] = "another";
    CHECK(RunBuilder::row(checked_report(run), 0, kSymm)["status"] == "not_tested");
    run.started.planned_rows[0]["label"] = "group-0";
    CHECK(RunBuilder::row(checked_report(run), 0, kSymm)["status"] == "failed");
  }
  SECTION("known by the coordinator's events") {
    run.add(given_up({"case-of-another-group"}, {kSymm}));
    CHECK(RunBuilder::row(checked_report(run), 0, kSymm)["status"] == "not_tested");
  }
  SECTION("known to be a lifecycle group") {
    run.started.planned_lifecycles = {Json{{"label", "group-0"},
                                           {"workspace", "trtllm_fusion"},
                                           {"transport", "unicast"},
                                           {"allocator", kSymm},
                                           {"handle_asked", "auto"},
                                           {"group", 0},
                                           {"lifecycles", 1}}};
    CHECK(RunBuilder::row(checked_report(run), 0, kSymm)["status"] == "not_tested");
  }
  SECTION("not known: the failure is not hidden") {
    CHECK(RunBuilder::row(checked_report(run), 0, kSymm)["status"] == "failed");
  }
}

TEST_CASE("a failure outside any case shows as an incident although all rows passed") {
  RunBuilder run;
  run.add_all_ok().add(run.failed(-1, 1, {kTorch}));
  const Json report = checked_report(run);
  for (const Json& row : report["results"]) CHECK(row["status"] == "ok");
  REQUIRE(report["stability"].size() == 2);
  CHECK(report["stability"][0]["incidents"].empty());
  CHECK(report["stability"][1]["incidents"].size() == 1);
  CHECK(exit_code(report) == 1);
}

TEST_CASE("a failure of a case that nobody planned still shows") {
  RunBuilder run(1);
  FailureRecord stray = run.failed(0, 1, {kSymm});
  stray.case_id = "not in the plan";
  const Json report = checked_report(run.add_all_ok().add(stray));
  CHECK(report["stability"][0]["incidents"][0]["case_id"] == "not in the plan");
  CHECK(exit_code(report) == 1);
}

TEST_CASE("a failure that concerns no allocator is an incident of the run") {
  RunBuilder run(1);
  FailureRecord preflight = run.failed(-1, 0, {});
  SECTION("before anything ran there is no verdict") {
    run.ended = RunEnded{"2026-01-31T23:59:59Z", false, "rank 2 did not report"};
    const Json report = checked_report(run.add(preflight));
    CHECK(report["run"]["incidents"].size() == 1);
    CHECK(exit_code(report) == 3);
  }
  SECTION("after something ran it is a failure") {
    CHECK(exit_code(checked_report(run.add_all_ok().add(preflight))) == 1);
  }
  SECTION("a hang is a hang at any time") {
    preflight.status = "hung";
    CHECK(exit_code(checked_report(run.add(preflight))) == 4);
  }
  SECTION("so is one of an allocator that is not in the plan") {
    preflight.allocators = {"cuda_ipc"};
    CHECK(checked_report(run.add_all_ok().add(preflight))["run"]["incidents"].size() == 1);
  }
}

TEST_CASE("a failure in a planned case that no row can show is an incident") {
  RunBuilder run(1);
  run.add_all_ok();
  SECTION("because it names no allocator") {
    const Json report = checked_report(run.add(run.failed(0, 1, {})));
    CHECK(report["run"]["incidents"].size() == 1);
    CHECK(exit_code(report) == 1);
  }
  SECTION("because its row was not planned") {
    RowRecord stray = run.ok(7, kTorch);
    stray.status = "failed";
    const Json report = checked_report(run.add(stray));
    CHECK(report["stability"][1]["incidents"][0]["case_id"] == "case-7");
    CHECK(exit_code(report) == 1);
  }
  SECTION("because it names one that the case is not planned for") {
    run.started.planned_rows.push_back(RunBuilder::planned(1, "cuda_ipc"));
    const Json report = checked_report(run.add(run.failed(0, 1, {"cuda_ipc"})));
    CHECK(report["stability"][2]["incidents"].size() == 1);
    CHECK(exit_code(report) == 1);
  }
}

TEST_CASE("failures of one group of ranks leave the rows of the others alone") {
  RunBuilder run(1, {kSymm});
  Json other = run.started.planned_rows[0];
  other["group"] = 1;
  other["case_id"] = "case-of-group-1";
  run.started.planned_rows.push_back(other);
  RowRecord row = run.ok(0, kSymm);
  row.group = 1;
  row.case_id = "case-of-group-1";
  const Json report = checked_report(run.add(run.failed(-1, 1, {kSymm})).add(row));
  CHECK(report["results"][0]["status"] == "failed");
  CHECK(report["results"][1]["status"] == "ok");
}

TEST_CASE("a skipped row keeps its own reason") {
  RunBuilder run(1);
  RowRecord row = run.ok(0, kSymm);
  row.status = "skipped";
  row.reason = "fabric refused in its trial: not permitted (800)";
  row.blocks.clear();
  const Json folded = RunBuilder::row(checked_report(run.add(row)), 0, kSymm);
  CHECK(folded["status"] == "skipped");
  CHECK(folded["reason"] == "fabric refused in its trial: not permitted (800)");
  CHECK(folded["time_us"].is_null());
  CHECK(folded["attempts"].empty());
}
