// Which rows of --format nccl share a table, and when they are written.
#include "report/series.hpp"

#include <catch2/catch_test_macros.hpp>

#include "nccl_text.hpp"
#include "report/text.hpp"

using namespace symmbench;

TEST_CASE("each series has a table of its own between starting and concluded, with its header and footers") {
  RunBuilder run(2);
  for (const auto& allocator : {kSymm, kTorch}) {
    Json other = RunBuilder::planned(0, allocator);
    other["case_id"] = "case-two";
    other["algorithm"] = other["algorithm_asked"] = "two_shot";
    run.started.planned_rows.push_back(other);
  }
  run.add_all_ok();
  for (Json& record : run.happened) {
    if (record.at("case_id") == "case-2") record["case_id"] = "case-two";
  }
  const auto text = nccl_text(run);
  std::vector<std::string> order;
  for (const auto& line : split_list(text, '\n')) {
    for (const std::string mark : {"# Collective test ", "# Out of bounds", "# Avg bus"}) {
      if (line.starts_with(mark)) order.push_back(line);
    }
    if (line.find("out-of-place") != std::string::npos) order.push_back("header");
    if (!line.empty() && line[0] != '#') order.push_back(nccl_fields(line)[0]);
  }
  std::vector<std::string> expected;
  for (const std::string series :
       {"symm_device_memory/allreduce/bf16/auto", "torch_symm_mem/allreduce/bf16/auto",
        "symm_device_memory/allreduce/bf16/two_shot", "torch_symm_mem/allreduce/bf16/two_shot"}) {
    expected.push_back("# Collective test starting: symmbench/" + series);
    expected.push_back("header");
    expected.push_back("16384");
    if (series.ends_with("auto")) expected.push_back("32768");
    expected.push_back("# Out of bounds values : 0 OK");
    expected.push_back("# Avg bus bandwidth    : N/A ");
    expected.push_back("# Collective test concluded: symmbench/" + series);
  }
  CHECK(order == expected);
}

TEST_CASE("rows of one series are written as soon as both their halves have ended, and before the footers") {
  std::ostringstream out;
  const RunBuilder run = nccl_both_places(2);
  NcclWriter writer(out, report_head(to_json(run.started), {}));
  CaseFeed feed({&writer});
  const auto records = run.records();
  feed.append(records[0]);
  CHECK(out.str().find("# Collective test starting: symmbench/symm_device_memory") != std::string::npos);
  CHECK(out.str().find("out-of-place") != std::string::npos);
  for (std::size_t i = 1; i <= 2; ++i) feed.append(records[i]);  // both sizes, out of place
  CHECK(nccl_rows(out.str()).empty());
  feed.append(records[3]);
  CHECK(nccl_rows(out.str()).size() == 1);
  feed.append(records[4]);
  CHECK(nccl_rows(out.str()).size() == 2);
  CHECK(out.str().find("Out of bounds") == std::string::npos);
  feed.finish(run.report());
  writer.end(run.report());
  CHECK(nccl_rows(out.str()).size() == 2);
  CHECK(out.str().find("# Out of bounds values : 0 OK") != std::string::npos);
}

TEST_CASE("of several series nothing is shown before the end but which options would leave one") {
  std::ostringstream out;
  RunBuilder run(1);
  NcclWriter writer(out, report_head(to_json(run.started), {}));
  CaseFeed feed({&writer});
  for (const Json& record : run.add_all_ok().records()) feed.append(record);
  CHECK(nccl_rows(out.str()).empty());
  CHECK(
      out.str().find("# WARNING: 2 tables, shown one after the other when the run ends; one alone is shown row by row: "
                     "--allocator symm_device_memory\n") != std::string::npos);
  feed.finish(run.report());
  writer.end(run.report());
  CHECK(nccl_rows(out.str()).size() == 2);
}

TEST_CASE("the comment lines of a run of one series are in nccl-tests' order") {
  std::ostringstream out;
  RunBuilder run(3, {kSymm});
  run.started.run["config"] = {{"check", true},
                               {"sweeps", Json::array({{{"stepfactor", 2.0}, {"warmup_iters", 5}, {"iters", 20}}})}};
  NcclWriter writer(out, report_head(to_json(run.started), {}));
  writer.on_plan(run.started);
  const auto text = out.str();
  std::size_t at = 0;
  for (const std::string next :
       {"# symmbench 0.1.0", "# Collective test starting: symmbench/symm_device_memory/allreduce/bf16/auto\n",
        "# nThread 1 nGpus 1 minBytes 16384 maxBytes 65536 step: 2(factor) warmup iters: 5 iters: 20 agg iters: 1 "
        "validation: 1 graph: ",
        "# trtllm_fusion, unicast, handle auto, group 0 of 4 ranks\n", "# EMULATED", "#\n# Using devices\n#  Rank  0 ",
        "#\n#     ", "out-of-place"}) {
    CAPTURE(next);
    const auto found = text.find(next, at);
    REQUIRE(found != std::string::npos);
    at = found + 1;
  }
}

TEST_CASE("a pattern or group that the columns cannot show is in the name of its table") {
  RunBuilder run(2, {kSymm});
  run.started.planned_rows[1]["pattern"] = "residual_rmsnorm";
  run.started.planned_rows[1]["group"] = 1;
  const auto text = nccl_text(run.add_all_ok());
  CHECK(text.find("# Collective test starting: symmbench/symm_device_memory/allreduce/bf16/auto/group 0\n") !=
        std::string::npos);
  CHECK(text.find("# Collective test starting: symmbench/symm_device_memory/residual_rmsnorm/bf16/auto/group 1\n") !=
        std::string::npos);
  CHECK(text.find("# trtllm_fusion, unicast, handle auto, group 1 of 4 ranks\n") != std::string::npos);
}
