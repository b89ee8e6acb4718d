#include "report/case_feed.hpp"

#include <catch2/catch_test_macros.hpp>

#include "run_builder.hpp"

using namespace symmbench;

namespace {

/// Keeps all that it hears.
struct Heard final : CaseListener {
  void on_plan(const RunStarted& started) override { planned_rows = started.planned_rows.size(); }
  void on_case(const DecidedCase& decided) override { cases.push_back(decided); }
  void on_end() override { ++ends; }

  std::vector<std::string> case_ids() const {
    std::vector<std::string> ids;
    for (const auto& decided : cases) ids.push_back(decided.case_id);
    return ids;
  }

  std::size_t planned_rows = 0;
  std::vector<DecidedCase> cases;
  int ends = 0;
};

using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE("every listener hears of the plan, of each case once its allocators are decided, and of the end") {
  Heard first, second;
  CaseFeed feed({&first, &second});
  RunBuilder run(2);
  run.add_all_ok();
  for (const Json& record : run.records()) feed.append(record);
  feed.finish(run.report());
  for (const Heard* heard : {&first, &second}) {
    CHECK(heard->planned_rows == 4);
    CHECK(heard->case_ids() == Ids{"case-0", "case-1"});
    CHECK(heard->ends == 1);
  }
}

TEST_CASE("a decided case has the rows and comparisons that the report will have") {
  Heard heard;
  CaseFeed feed({&heard});
  RunBuilder run(1);
  run.add(run.ok(0, kSymm, 8)).add(run.ok(0, kTorch, 10));
  for (const Json& record : run.records()) feed.append(record);
  const Json report = run.report();
  REQUIRE(heard.cases.size() == 1);
  CHECK(heard.cases[0].rows == report["results"]);
  CHECK(heard.cases[0].comparison == report["comparison"]);
  CHECK(heard.cases[0].comparison.size() == 1);
}

TEST_CASE("after a failure with three allocators in play a case is decided when the last of them has run alone") {
  const std::string ipc = "cuda_ipc";
  Heard heard;
  CaseFeed feed({&heard});
  RunBuilder run(1, {kSymm, kTorch, ipc});
  feed.append(to_json(run.started));
  feed.append(to_json(run.ok(0, kSymm)));  // came before another one crashed
  feed.append(to_json(run.failed(0, 0, {kSymm, kTorch, ipc})));
  feed.append(to_json(alone(run.ok(0, kSymm), 1)));
  feed.append(to_json(run.failed(0, 2, {kTorch}, true)));
  CHECK(heard.cases.empty());
  feed.append(to_json(alone(run.ok(0, ipc), 3)));
  REQUIRE(heard.cases.size() == 1);
  CHECK(heard.cases[0].rows[0]["status"] == "ok");
  CHECK(heard.cases[0].rows[1]["status"] == "failed");
  CHECK(heard.cases[0].rows[2]["status"] == "ok");
}

TEST_CASE("what the end finds undecided comes then, in the order of the plan and as the report has it") {
  Heard heard;
  CaseFeed feed({&heard});
  RunBuilder run(3);
  run.add(run.ok(2, kSymm)).add(run.ok(2, kTorch)).add(run.ok(0, kSymm));
  run.ended = RunEnded{"2026-01-31T23:59:59Z", false, "SIGTERM"};
  for (const Json& record : run.records()) feed.append(record);
  CHECK(heard.case_ids() == Ids{"case-2"});
  feed.finish(run.report());
  CHECK(heard.case_ids() == Ids{"case-2", "case-0", "case-1"});
  CHECK(heard.cases[1].rows[0]["status"] == "ok");
  CHECK(heard.cases[1].rows[1]["status"] == "not_tested");
  CHECK(heard.cases[2].rows[1]["reason"] == "the run ended before this case: SIGTERM");
}

TEST_CASE("nothing is heard before the plan is known, nor of cases that nobody planned") {
  Heard heard;
  CaseFeed feed({&heard});
  RunBuilder run(1);
  feed.append(to_json(run.ok(0, kSymm)));
  feed.append(Json{{"type", "invented_later"}});
  feed.append(to_json(run.started));
  feed.append(to_json(run.ok(7, kSymm)));
  feed.append(to_json(run.ok(7, kTorch)));
  CHECK(heard.cases.empty());
}
