#include <catch2/catch_test_macros.hpp>
#include <sstream>

#include "report/text.hpp"
#include "run_builder.hpp"
#include "table_of.hpp"

using namespace symmbench;

TEST_CASE("a line is written as soon as the last allocator of a case is decided, and not before") {
  std::ostringstream out;
  TableOf table(out);
  RunBuilder run(2);
  table.append(to_json(run.started));
  CHECK(out.str().empty());
  table.append(to_json(run.ok(0, kSymm, 8)));
  CHECK(out.str().empty());
  table.append(to_json(run.ok(0, kTorch, 10)));
  REQUIRE(table_rows(out).size() == 1);
  CHECK(table_fields(table_rows(out)[0]) == std::vector<std::string>{"16K", "1x8192", "bf16", "allreduce", "one_shot",
                                                                     "8.02", "10.02", "0.800", "faster", "ok"});
}

TEST_CASE("a verdict that does not hold beside the other sizes of its series is withdrawn under the rows") {
  std::ostringstream out;
  TableOf table(out);
  RunBuilder run(4);
  run.add(run.ok(0, kSymm, 8)).add(run.ok(0, kTorch, 10));
  for (int i = 1; i < 4; ++i) {
    RowRecord scattered = run.ok(i, kTorch, 10);
    for (SampleBlock& block : scattered.blocks) {
      for (double& batch_us : block.batch_us) batch_us *= 1 + block.placement % 3;
    }
    run.add(run.ok(i, kSymm, 10)).add(scattered);
  }
  for (const Json& record : run.records()) table.append(record);
  const Json report = run.report();
  REQUIRE(report["comparison"][0]["verdict"] == "ambiguous");
  CHECK(table_fields(table_rows(out)[0])[8] == "faster");
  table.finish(report);
  const auto last = table_lines(out).back();
  CHECK(
      last.starts_with("# 16K 1x8192 bf16 allreduce one_shot: with the other sizes symm/torch is inconclusive, not "
                       "faster: interval "));
}

TEST_CASE("titles stand above the first line and again when the workspace changes") {
  std::ostringstream out;
  TableOf table(out);
  RunBuilder run(2);
  run.started.planned_rows[2]["handle_asked"] = run.started.planned_rows[3]["handle_asked"] = "upstream";
  run.add_all_ok();
  for (Json& record : run.happened) {
    if (record["case_id"] == "case-1") record["handle"]["asked"] = "upstream";
  }
  for (const Json& record : run.records()) table.append(record);
  const auto all = table_lines(out);
  REQUIRE(all.size() == 6);
  CHECK(all[0] == "# trtllm_fusion, unicast, handle auto");
  CHECK(all[1].find("symm us") != std::string::npos);
  CHECK(all[1].find("torch us") != std::string::npos);
  CHECK(all[3] == "# trtllm_fusion, unicast, handle upstream");
  CHECK(all[1].size() == all[4].size());
}

TEST_CASE("columns line up under their titles") {
  std::ostringstream out;
  TableOf table(out);
  RunBuilder run(8);
  for (const Json& record : run.add_all_ok().records()) table.append(record);
  const auto title = table_lines(out)[1];
  const auto status_at = title.find("status");
  for (const auto& line : table_rows(out)) CHECK(line.rfind("ok") == status_at);
}

TEST_CASE("after a pair failed, the line waits for both to be run alone") {
  std::ostringstream out;
  TableOf table(out);
  RunBuilder run(1);
  table.append(to_json(run.started));
  table.append(to_json(run.ok(0, kSymm)));  // the row came before the other one crashed
  table.append(to_json(run.failed(0, 1, {kSymm, kTorch})));
  CHECK(table_rows(out).empty());
  RowRecord again = run.ok(0, kSymm);
  again.alone = true;
  again.attempt = 2;
  table.append(to_json(again));
  CHECK(table_rows(out).empty());
  table.append(to_json(run.failed(0, 3, {kTorch}, true)));
  REQUIRE(table_rows(out).size() == 1);
  CHECK(table_fields(table_rows(out)[0]).back() == "failed");
  CHECK(table_lines(out).back() ==
        "#   torch_symm_mem failed: rank 2, phase use: worker/crashed (9): killed by signal 9");
}

TEST_CASE("a row of the failed attempt that comes late does not complete the line") {
  std::ostringstream out;
  TableOf table(out);
  RunBuilder run(1);
  table.append(to_json(run.started));
  table.append(to_json(run.failed(0, 1, {kSymm, kTorch})));
  table.append(to_json(run.ok(0, kSymm)));
  table.append(to_json(run.ok(0, kTorch)));
  CHECK(table_rows(out).empty());
}

TEST_CASE("cases that are given up are written when they are") {
  std::ostringstream out;
  TableOf table(out);
  RunBuilder run(1);
  table.append(to_json(run.started));
  table.append(to_json(EventRecord{.what = "group_skipped",
                                   .detail = "3 equal failures",
                                   .data = {{"case_ids", {"case-0"}}, {"allocators", {kSymm, kTorch}}}}));
  REQUIRE(table_rows(out).size() == 1);
  CHECK(table_fields(table_rows(out)[0]).back() == "skipped");
}

TEST_CASE("finish writes what is left, in the order of the plan and once, and counts the cases that were not tested") {
  std::ostringstream out;
  TableOf table(out);
  RunBuilder run(4);
  run.add(run.ok(1, kSymm)).add(run.ok(1, kTorch));
  run.add(run.failed(0, 1, {kSymm, kTorch}));
  run.ended = RunEnded{"2026-01-31T23:59:59Z", false, "SIGTERM"};
  for (const Json& record : run.records()) table.append(record);
  CHECK(table_rows(out).size() == 1);
  table.finish(run.report());
  const auto written = table_rows(out);
  REQUIRE(written.size() == 2);
  CHECK(table_fields(written[0])[0] == "32K");
  CHECK(table_fields(written[1])[0] == "16K");
  CHECK(table_fields(written[1]).back() == "interrupted");
  const std::string count = "# 2 cases not tested\n";
  REQUIRE(out.str().find(count) != std::string::npos);
  CHECK(out.str().find(count) == out.str().rfind(count));
  const std::string why = std::string("#   ") + kSymm + " not_tested: ";
  REQUIRE(out.str().find(why) != std::string::npos);
  CHECK(out.str().find(why) == out.str().rfind(why));  // of two rows
}

TEST_CASE("one allocator has neither ratio nor pair verdict") {
  std::ostringstream out;
  TableOf table(out);
  RunBuilder run(1, {kSymm});
  for (const Json& record : run.add_all_ok().records()) table.append(record);
  CHECK(out.str().find("ratio") == std::string::npos);
  CHECK(out.str().find(" is ") == std::string::npos);
  CHECK(table_fields(table_rows(out)[0]).size() == 7);
}

TEST_CASE("each further allocator has a ratio and a pair verdict of its own against the first") {
  std::ostringstream out;
  TableOf table(out);
  RunBuilder run(1, {kSymm, kTorch, kIpc});
  run.add(run.ok(0, kSymm, 8)).add(run.ok(0, kTorch, 10)).add(run.ok(0, kIpc, 4));
  for (const Json& record : run.records()) table.append(record);
  const auto titles = table_fields(table_lines(out).at(1));
  CHECK(std::vector(titles.end() - 7, titles.end()) ==
        std::vector<std::string>{"symm/torch", "symm", "is", "symm/ipc", "symm", "is", "status"});
  CHECK(table_fields(table_rows(out)[0]) ==
        std::vector<std::string>{"16K", "1x8192", "8.02", "10.02", "4.01", "0.800", "faster", "2.000", "slower", "ok"});
  CHECK(table_lines(out).at(0) == "# trtllm_fusion, unicast, handle auto, bf16, allreduce, one_shot");
}

TEST_CASE(
    "what is not decided is called inconclusive; what is missing, or the interval, is told when it is asked for") {
  const auto text_of = [](const RunBuilder& run, bool verbose) {
    std::ostringstream out;
    TableOf table(out, {.verbose = verbose});
    for (const Json& record : run.records()) table.append(record);
    return out.str();
  };
  RunBuilder one(1), restless(1);
  one.add(one.ok(0, kSymm, 8, 5, 1)).add(one.ok(0, kTorch, 10, 5, 1));
  CHECK(text_of(one, false).find("0.800  inconclusive  ok\n") != std::string::npos);
  CHECK(text_of(one, false).find("placement") == std::string::npos);
  CHECK(
      text_of(one, true).find("#   symm/torch 0.800: symm is inconclusive; 1 placement, 6 are needed (1 placement, ") !=
      std::string::npos);
  RowRecord symm = restless.ok(0, kSymm);
  for (auto& block : symm.blocks) {
    for (double& time : block.batch_us) time *= block.placement % 2 == 0 ? 1.1 : 0.92;
  }
  restless.add(symm).add(restless.ok(0, kTorch));
  CHECK(text_of(restless, true).find("symm is inconclusive; interval 0.9") != std::string::npos);
}

TEST_CASE("where the first allocator has no result the others are still held against each other") {
  std::ostringstream out;
  TableOf table(out);
  RunBuilder run(1, {kSymm, kTorch, kIpc});
  RowRecord skipped = run.ok(0, kSymm);
  skipped.status = "skipped";
  skipped.blocks.clear();
  run.add(skipped).add(run.ok(0, kTorch, 10)).add(run.ok(0, kIpc, 4));
  for (const Json& record : run.records()) table.append(record);
  CHECK(out.str().find("#   torch/ipc 2.500: torch is slower\n") != std::string::npos);
}

TEST_CASE("cases with allocators of their own are compared within themselves") {
  std::ostringstream out;
  TableOf table(out, {.width = 120});
  RunBuilder run(0, {kSymm, kTorch});
  const std::vector<std::pair<int, std::string>> planned{{0, kSymm}, {0, kTorch}, {1, kTorch}, {1, kIpc}};
  for (const auto& [index, allocator] : planned) {
    run.started.planned_rows.push_back(RunBuilder::planned(index, allocator));
    run.add(run.ok(index, allocator, allocator == kTorch ? 10 : 8));
  }
  for (const Json& record : run.records()) table.append(record);
  CHECK(table_lines(out).at(1).find("symm/torch  symm is       torch/ipc  torch is") != std::string::npos);
  const auto rows = table_rows(out);
  REQUIRE(rows.size() == 2);
  const auto end_of = [](const std::string& line) {
    const auto all = table_fields(line);
    return std::vector(all.end() - 5, all.end());
  };
  CHECK(end_of(rows[0]) == std::vector<std::string>{"0.800", "faster", "-", "-", "ok"});
  CHECK(end_of(rows[1]) == std::vector<std::string>{"-", "-", "1.250", "slower", "ok"});
}

TEST_CASE("groups of ranks and places get a column only where there is more than one") {
  std::ostringstream out;
  TableOf table(out);
  RunBuilder run(2, {kSymm});
  run.started.planned_rows[1]["group"] = 1;
  run.started.planned_rows[1]["in_place"] = true;
  run.add_all_ok();
  for (const Json& record : run.records()) table.append(record);
  CHECK(table_lines(out)[1].find("group") != std::string::npos);
  CHECK(table_lines(out)[1].find("place") != std::string::npos);
  CHECK(table_fields(table_rows(out)[0])[0] == "0");
  CHECK(table_fields(table_rows(out)[1])[0] == "1");
  CHECK(table_rows(out)[1].find(" in ") != std::string::npos);
}

TEST_CASE("how cases are run gets a column only where they differ in it") {
  for (const bool differ : {true, false}) {
    CAPTURE(differ);
    std::ostringstream out;
    TableOf table(out);
    RunBuilder run(2);
    for (std::size_t i = 0; i < 4; ++i) {
      run.started.planned_rows[i]["variant"] = i < 2 && differ ? "" : "nopdl/buffers5";
    }
    run.add_all_ok();
    for (const Json& record : run.records()) table.append(record);
    const auto written = table_rows(out);
    REQUIRE(written.size() == 2);
    CHECK((out.str().find(" variant ") != std::string::npos) == differ);
    CHECK((written[1].find(" nopdl/buffers5 ") != std::string::npos) == differ);
    CHECK((written[0].find(" - ") != std::string::npos) == differ);
  }
}

TEST_CASE("records of no concern, and records before the plan, write nothing") {
  std::ostringstream out;
  TableOf table(out);
  RunBuilder run(1);
  table.append(to_json(RankFacts{0, Json::object()}));
  table.append(Json{{"type", "invented_later"}});
  table.append(to_json(run.ok(0, kSymm)));
  table.append(to_json(EventRecord{.what = "rank_stderr", .detail = "x", .data = nullptr}));
  CHECK(out.str().empty());
}

TEST_CASE("what was not checked is not called right") {
  std::ostringstream out;
  TableOf table(out);
  RunBuilder run(1, {kSymm});
  RowRecord row = run.ok(0, kSymm);
  row.checked_iterations = 0;
  for (const Json& record : run.add(row).records()) table.append(record);
  CHECK(table_fields(table_rows(out)[0]).back() == "timed");
}

TEST_CASE("the device list shows every rank, the emulation and the subgroups") {
  RunBuilder run(1);
  run.started.group_size = 2;
  const std::vector<Json> facts{to_json(RankFacts{
      1,
      {{"host", "node1"},
       {"pid", 77},
       {"devices", Json::array({Json{
                       {"kind", "host"}, {"name", "NVIDIA X"}, {"ordinal", 3}, {"pci_bus_id", "0000:18:00.0"}}})}}})};
  std::ostringstream out;
  write_device_list(out, report_head(to_json(run.started), facts));
  const auto text = out.str();
  for (const auto& line : table_lines(out)) CHECK(line.starts_with("#"));
  CHECK(text.find("# symmbench 0.1.0 (abc, Release)") != std::string::npos);
  CHECK(text.find("4 ranks in 2 groups of 2, device host, seed 1") != std::string::npos);
  CHECK(text.find("# EMULATED: ") != std::string::npos);
  CHECK(text.find("#  Rank  0 did not report") != std::string::npos);
  CHECK(text.find("#  Rank  1 Group  0 Pid     77 on      node1 device  3 [0000:18:00] NVIDIA X") != std::string::npos);
}

TEST_CASE("the device list of a folded report is that of its records") {
  RunBuilder run(1);
  run.add(RankFacts{0, {{"host", "h"}}});
  std::ostringstream early, late;
  write_device_list(early, report_head(to_json(run.started), std::vector{run.happened[0]}));
  write_device_list(late, run.report());
  CHECK(early.str() == late.str());
}

TEST_CASE("faults that are provoked are told before the first row, not in the report alone") {
  RunBuilder run(1);
  run.started.run["injected"] = {"worker_killed:rank=1"};
  std::ostringstream out;
  write_device_list(out, report_head(to_json(run.started), {}));
  CHECK(out.str().find("# INJECTED: worker_killed:rank=1\n") != std::string::npos);
}

TEST_CASE("the verdict block says what it came to, why, and where the report is") {
  RunBuilder run(1);
  const Json report = run.add(run.failed(0, 1, {kSymm, kTorch})).report();
  std::ostringstream out, commented;
  write_verdict(out, report, {{OutputFileKind::report, "/tmp/r.json"}});
  write_verdict(commented, report, {}, {.commented = true});
  CHECK(out.str().find("FAILED (exit code 1)") != std::string::npos);
  CHECK(out.str().find("rank 2, phase use") != std::string::npos);
  CHECK(out.str().find("again:  mpirun -n 4 symmbench run") != std::string::npos);
  CHECK(out.str().find("report: /tmp/r.json") != std::string::npos);
  CHECK(commented.str().find("report:") == std::string::npos);
  for (const auto& line : table_lines(commented)) CHECK(line.starts_with("#"));
}

TEST_CASE("a reference has a column of its own behind the others, whose ratio stays") {
  std::ostringstream out;
  TableOf table(out);
  RunBuilder run(1);
  Json planned = RunBuilder::planned(1, "nccl");
  planned["workspace"] = planned["algorithm"] = planned["algorithm_asked"] = "nccl";
  run.started.planned_rows.insert(run.started.planned_rows.begin(), planned);
  table.append(to_json(run.started));
  table.append(to_json(run.ok(0, kSymm, 8)));
  table.append(to_json(run.ok(0, kTorch, 10)));
  table.append(to_json(run.ok(1, "nccl", 20)));
  const auto titles = table_lines(out).at(1);
  CHECK(titles.find("symm us") < titles.find("torch us"));
  CHECK(titles.find("torch us") < titles.find("nccl us"));
  CHECK(titles.find("nccl us") < titles.find("symm is"));
  const auto rows = table_rows(out);
  REQUIRE(rows.size() == 2);
  CHECK(table_fields(rows[0]) == std::vector<std::string>{"16K", "1x8192", "bf16", "allreduce", "one_shot", "8.02",
                                                          "10.02", "-", "0.800", "faster", "ok"});
  CHECK(table_fields(rows[1]) ==
        std::vector<std::string>{"32K", "2x8192", "bf16", "allreduce", "nccl", "-", "-", "20.04", "-", "-", "ok"});
}
