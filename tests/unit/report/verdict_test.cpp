#include "report/verdict.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "check_schema.hpp"
#include "report/next_step.hpp"
#include "report/summary.hpp"

using namespace symmbench;

namespace {

/// The least that verdict_json() needs: one row per status, all of allocator "a" unless named "status:allocator".
Json report_with(const std::vector<std::string>& rows, bool complete = true) {
  Json report{
      {"run",
       {{"complete", complete}, {"interrupted_by", nullptr}, {"incidents", Json::array()}, {"events", Json::array()}}},
      {"results", Json::array()},
      {"stability", Json::array()},
      {"comparison", Json::array()},
      {"transport_comparison", Json::array()}};
  for (const auto& text : rows) {
    const auto colon = text.find(':');
    const auto allocator = colon == std::string::npos ? "a" : text.substr(colon + 1);
    report["results"].push_back({{"case_id", "c"},
                                 {"allocator", allocator},
                                 {"reference", allocator == "reference"},
                                 {"status", text.substr(0, colon)},
                                 {"reason", nullptr},
                                 {"failure", nullptr},
                                 {"checked_iterations", 1}});
  }
  return report;
}

Json entry(int failed = 0, int hangs = 0, int fds = 0, int lifecycles = 0, int planned = 0) {
  return {{"workspace", "w"},
          {"allocator", "a"},
          {"hangs", hangs},
          {"failed", failed},
          {"incidents", Json::array()},
          {"leaks", {{"fds", fds}, {"mappings", nullptr}, {"device_bytes", nullptr}}},
          {"lifecycles", lifecycles},
          {"lifecycles_planned", planned},
          {"first_failure", nullptr}};
}

int code(const Json& report, const VerdictPolicy& policy = {}) {
  return verdict_json(report, policy)["exit_code"].get<int>();
}

bool mentions(const Json& report, const std::string& text) {
  for (const auto& line : summary_lines(report)) {
    if (line.find(text) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("the exit code of every mixture of row states") {
  struct Case {
    std::vector<std::string> rows;
    bool complete;
    int plain, strict;
  };
  for (const auto& [rows, complete, plain, strict] : {
           Case{{"ok", "ok"}, true, 0, 0},
           Case{{"ok", "skipped"}, true, 0, 3},
           Case{{"ok", "not_tested"}, true, 0, 3},
           Case{{"ok", "not_tested"}, false, 3, 3},
           Case{{"ok", "interrupted"}, true, 0, 3},
           Case{{"ok:a", "interrupted:b"}, true, 3, 3},
           Case{{"failed", "interrupted"}, true, 1, 1},
           Case{{"ok", "ok"}, false, 3, 3},
           Case{{"skipped", "skipped"}, true, 3, 3},
           Case{{"skipped", "not_tested"}, true, 3, 3},
           Case{{"ok:a", "skipped:b"}, true, 3, 3},
           Case{{"ok:a", "not_tested:b"}, true, 3, 3},
           Case{{"ok:a", "skipped:reference"}, true, 0, 3},
           Case{{"ok:a", "not_tested:reference"}, true, 3, 3},
           Case{{"ok:a", "failed:reference"}, true, 1, 1},
           Case{{"skipped:a", "skipped:reference"}, true, 3, 3},
           Case{{"skipped:reference"}, true, 3, 3},
           Case{{"failed", "ok"}, true, 1, 1},
           Case{{"failed", "skipped"}, true, 1, 1},
           Case{{"failed", "not_tested"}, false, 1, 1},
           Case{{"failed:a", "skipped:b"}, true, 1, 1},
           Case{{"hung", "ok"}, true, 4, 4},
           Case{{"hung", "failed", "skipped"}, true, 4, 4},
           Case{{"failed", "hung"}, false, 4, 4},
           Case{{}, true, 3, 3},
           Case{{}, false, 3, 3},
       }) {
    INFO(Json(rows).dump() << " complete " << complete);
    CHECK(code(report_with(rows, complete)) == plain);
    CHECK(code(report_with(rows, complete), {.strict = true}) == strict);
  }
}

TEST_CASE("what is unsupported is 77 only when asked for, and only when skips are all there is") {
  const VerdictPolicy skip{.skip_if_unsupported = true};
  CHECK(code(report_with({"skipped", "skipped"}), skip) == 77);
  CHECK(code(report_with({"ok:a", "skipped:b"}), skip) == 77);
  CHECK(code(report_with({"skipped", "not_tested"}), skip) == 3);
  CHECK(code(report_with({"skipped"}, false), skip) == 3);
  CHECK(code(report_with({"skipped:a", "failed:b"}), skip) == 1);
  CHECK(code(report_with({"skipped:a", "hung:b"}), skip) == 4);
  CHECK(code(report_with({"ok"}), skip) == 0);
  CHECK(code(report_with({"skipped"}), {.strict = true, .skip_if_unsupported = true}) == 3);
}

TEST_CASE("a machine that forbids the whole run is 77 where that was allowed, else no verdict") {
  const Json report = report_with({"not_tested", "not_tested:b"}, false);
  CHECK(code(report, {.unsupported = true}) == 3);
  CHECK(code(report, {.skip_if_unsupported = true, .unsupported = true}) == 77);
  CHECK(code(report, {.skip_if_unsupported = true}) == 3);  // an interrupted run
  CHECK(code(report, {.strict = true, .skip_if_unsupported = true, .unsupported = true}) == 3);
  CHECK(code(report_with({"failed"}, false), {.skip_if_unsupported = true, .unsupported = true}) == 1);
}

TEST_CASE("what a run could not deliver makes its verdict no better than no_verdict, and says so") {
  Json report = report_with({"ok"});
  report["verdict"] = {{"status", "passed"}, {"exit_code", 0}, {"summary", Json::array()}};
  downgrade(report, "cannot write 'x'");
  CHECK(report["verdict"] == Json{{"status", "no_verdict"}, {"exit_code", 3}, {"summary", {"cannot write 'x'"}}});
  report["verdict"] = {{"status", "hung"}, {"exit_code", 4}, {"summary", Json::array()}};
  downgrade(report, "cannot write 'x'");
  CHECK(report["verdict"]["exit_code"] == 4);
}

TEST_CASE("lifecycles of an allocator that is skipped altogether do not turn 77 into 3") {
  Json report = report_with({"skipped"});
  report["stability"].push_back(entry(0, 0, 0, 0, 5));
  CHECK(code(report, {.skip_if_unsupported = true}) == 77);
  CHECK(code(report) == 3);
}

TEST_CASE("stability decides beside the rows, in the same order of precedence") {
  const auto with = [](Json stability) {
    Json report = report_with({"ok"});
    report["stability"].push_back(std::move(stability));
    return report;
  };
  CHECK(code(with(entry())) == 0);
  CHECK(code(with(entry(1))) == 1);
  CHECK(code(with(entry(0, 1))) == 4);
  CHECK(code(with(entry(0, 0, 1))) == 1);
  CHECK(code(with(entry(0, 0, -1))) == 0);
  CHECK(code(with(entry(0, 0, 0, 2, 3))) == 3);
  CHECK(code(with(entry(1, 0, 0, 2, 3))) == 1);
  CHECK(code(with(entry(1, 1, 1, 2, 3))) == 4);
}

TEST_CASE("a report of lifecycles alone can pass") {
  Json report = report_with({});
  report["stability"].push_back(entry(0, 0, 0, 3, 3));
  CHECK(code(report) == 0);
}

TEST_CASE("exit codes have the order 4, 1, 3, 77, 0") {
  const std::vector<ExitCode> order{ExitCode::hung, ExitCode::failed, ExitCode::no_verdict, ExitCode::skipped,
                                    ExitCode::passed};
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (std::size_t j = i; j < order.size(); ++j) {
      CHECK(worse(order[i], order[j]) == order[i]);
      CHECK(worse(order[j], order[i]) == order[i]);
    }
  }
}

TEST_CASE("the status has one word for each exit code") {
  CHECK(verdict_json(report_with({"ok"}), {})["status"] == "passed");
  CHECK(verdict_json(report_with({"failed"}), {})["status"] == "failed");
  CHECK(verdict_json(report_with({"hung"}), {})["status"] == "hung");
  CHECK(verdict_json(report_with({"skipped"}), {})["status"] == "no_verdict");
  CHECK(verdict_json(report_with({"skipped"}), {.skip_if_unsupported = true})["status"] == "skipped");
}

TEST_CASE("the summary names rank, phase, peer, case and what to do next") {
  RunBuilder run(1);
  FailureRecord hang = run.failed(0, 1, {kSymm, kTorch});
  hang.status = "hung";
  hang.failure = {.layer = Layer::kernel,
                  .reason = Reason::timed_out,
                  .detail = "waited 10 s",
                  .phase = Phase::use,
                  .rank = 1,
                  .peer = 3};
  hang.failure.allocator = kSymm;
  const Json report = run.add(hang).report();
  CHECK(mentions(report, "hung: symm_device_memory: rank 1, phase use: kernel/timed_out: waited 10 s [peer: rank 3]"));
  CHECK(mentions(report, "in case-0"));
  CHECK(mentions(report, "next: look at rank 3"));
  CHECK(mentions(report, "0 of 2 rows ok, 1 hung, 1 interrupted"));
}

TEST_CASE("equal failures take one block of lines, with their number") {
  RunBuilder run(5, {kSymm});
  for (int i = 0; i < 5; ++i) run.add(run.failed(i, i, {kSymm}));
  const Json report = run.report();
  CHECK(mentions(report, "5 times, first in case-0"));
  CHECK(summary_lines(report).size() == 5);
}

TEST_CASE("many kinds of failure are cut short, and the summary says so") {
  RunBuilder run(20, {kSymm});
  for (int i = 0; i < 20; ++i) {
    FailureRecord failure = run.failed(i, i, {kSymm});
    failure.failure.code = i;
    run.add(failure);
  }
  const Json report = run.report();
  CHECK(mentions(report, "and 14 more kinds of failure"));
  CHECK(summary_lines(report).size() < 30);
}

TEST_CASE("the summary tells of leaks, interruptions, missing lifecycles and unchecked results") {
  RunBuilder run(1, {kSymm});
  run.started.planned_lifecycles = {Json{{"workspace", "trtllm_fusion"},
                                         {"transport", "unicast"},
                                         {"allocator", kSymm},
                                         {"handle_asked", "auto"},
                                         {"lifecycles", 2}}};
  LifecycleRecord leaking{
      .workspace = "trtllm_fusion", .transport = "unicast", .allocator = kSymm, .handle = {{"asked", "auto"}}};
  leaking.leaks = {{"fds", 4}, {"mappings", 2}};
  RowRecord row = run.ok(0, kSymm);
  row.checked_iterations = 0;
  run.ended = RunEnded{"2026-01-31T23:59:59Z", false, "SIGTERM"};
  const Json report = run.add(leaking).add(row).report();
  CHECK(mentions(report, "leak: symm_device_memory left 4 fds, 2 mappings behind in 1 lifecycle"));
  CHECK(mentions(report, "interrupted by SIGTERM"));
  CHECK(mentions(report, "lifecycles: symm_device_memory: 1 of 2 ran"));
  CHECK(mentions(report, "not checked"));
}

TEST_CASE("the summary compares the allocators in one line") {
  RunBuilder run(2);
  for (int i = 0; i < 2; ++i) run.add(run.ok(i, kSymm, 8)).add(run.ok(i, kTorch, 10));
  CHECK(mentions(
      run.report(),
      "time of symm_device_memory / time of torch_symm_mem: 0.800 in the geometric mean of 2 cases (2 faster)"));
}

TEST_CASE("what is not decided has no mean, and is told with what would decide it") {
  RunBuilder few(1), restless(1), hopeless(1);
  few.add(few.ok(0, kSymm, 8, 5, 1)).add(few.ok(0, kTorch, 10, 5, 1));
  CHECK(mentions(few.report(), "symm_device_memory against torch_symm_mem: not decided (1 inconclusive)"));
  CHECK(mentions(few.report(), "1 placement, 6 are needed; --placements 6 would do"));
  few.add(EventRecord{.what = "placements_limited", .detail = "memory", .data = nullptr});
  CHECK(mentions(few.report(), "6 are needed; a smaller --maxbytes leaves room for more"));

  const auto add = [](RunBuilder& run, double luck) {
    RowRecord symm = run.ok(0, kSymm);
    for (auto& block : symm.blocks) {
      for (double& time : block.batch_us) time *= block.placement % 2 == 0 ? 1 + luck : 1 / (1 + luck);
    }
    run.add(symm).add(run.ok(0, kTorch));
  };
  add(restless, 0.04);
  CHECK(mentions(restless.report(), "the interval holds both a difference and none; about --placements "));
  add(hopeless, 0.5);
  CHECK(mentions(hopeless.report(), "differ too much for more of them to help"));
}

TEST_CASE("a series whose average bus bandwidth is below the gate fails the run, each by itself") {
  // 16 KiB in 4 us over 4 ranks: 6.144 GB/s.
  const auto code_with = [](double gate, double torch_us, bool with_reference = false) {
    RunBuilder run(1);
    run.started.device = {{"kind", "cuda"}, {"emulated", false}};
    run.started.run["config"] = {{"min_busbw", gate}};
    run.add(run.ok(0, kSymm, 4)).add(run.ok(0, kTorch, torch_us));
    if (with_reference) {
      Json planned = RunBuilder::planned(1, "nccl");
      planned["algorithm"] = planned["algorithm_asked"] = "nccl";
      run.started.planned_rows.push_back(planned);
      run.add(run.ok(1, "nccl", 1000));
    }
    return run.report();
  };
  CHECK(exit_code(code_with(0, 400)) == 0);
  CHECK(exit_code(code_with(6, 4)) == 0);
  CHECK(exit_code(code_with(6, 4, true)) == 0);  // what another library reaches is not gated
  CHECK(exit_code(code_with(6.2, 4)) == 1);
  const Json slow = code_with(6, 8);
  CHECK(exit_code(slow) == 1);
  CHECK(mentions(slow, "bus bandwidth: torch_symm_mem/allreduce/bf16/auto: 3.06"));
  CHECK_FALSE(mentions(slow, "bus bandwidth: symm_device_memory"));
}

TEST_CASE("who only waited is not called the culprit") {
  RunBuilder run(1, {kSymm});
  FailureRecord waited = run.failed(0, 0, {kSymm}, true);
  waited.status = "hung";
  waited.failure = {.layer = Layer::kernel, .reason = Reason::timed_out, .detail = "in vain", .rank = 2, .peer = 1};
  const Json report = run.add(waited).report();
  CHECK(mentions(report, "suspect: rank 1; who waited for it: rank 2"));
  CHECK_FALSE(mentions(report, "culprit"));
  CHECK(failure_line(waited).ends_with("; suspect: rank 1; who waited for it: rank 2"));
}

TEST_CASE("who finds another rank's data wrong is not called the culprit") {
  RunBuilder run(1, {kSymm});
  FailureRecord found = run.failed(0, 0, {kSymm}, true);
  found.failure = {.layer = Layer::verify, .reason = Reason::wrong_data, .detail = "stale", .rank = 0, .peer = 3};
  const Json report = run.add(found).report();
  CHECK(mentions(report, "suspect: rank 3; who found it: rank 0"));
  CHECK_FALSE(mentions(report, "culprit"));
  CHECK(failure_line(found).ends_with("; suspect: rank 3; who found it: rank 0"));
}

TEST_CASE("an allocator is advised against only where another one does not fail alike") {
  const auto fails = [](RunBuilder& run, const std::string& allocator) {
    RowRecord wrong = run.ok(0, allocator, 8);
    wrong.wrong_elements = 7;
    run.add(wrong);
  };
  RunBuilder one(1), both(1), alone(1, {kSymm});
  fails(one, kTorch);
  one.add(one.ok(0, kSymm, 8));
  CHECK(mentions(one.report(), "next: do not use this allocator here"));
  for (const auto& allocator : {kSymm, kTorch}) fails(both, allocator);
  CHECK_FALSE(mentions(both.report(), "do not use this allocator"));
  CHECK(mentions(both.report(), "next: all allocators fail alike: it is what they share"));
  fails(alone, kSymm);
  CHECK_FALSE(mentions(alone.report(), "do not use this allocator"));
  CHECK(mentions(alone.report(), "another --allocator"));
}

TEST_CASE("who tells of a disagreement that all ranks find is not called the culprit") {
  for (const bool odd : {false, true}) {
    RunBuilder run(1, {kSymm});
    FailureRecord found = run.failed(0, 0, {kSymm}, true);
    found.failure = {.layer = Layer::memory, .reason = Reason::disagreement, .detail = "cliques", .rank = 0};
    if (odd) found.failure.peer = 3;
    const Json report = run.add(found).report();
    CHECK_FALSE(mentions(report, "culprit"));
    CHECK(mentions(report, "suspect: rank 3") == odd);
  }
}

TEST_CASE("a case that is named beside a failure is not named again in what is said of it") {
  FailureRecord died;
  died.case_id = "g0x4/one_shot/8x1024";
  died.status = "failed";
  died.failure = Failure{.layer = Layer::worker, .reason = Reason::crashed, .rank = 3};
  died.failure.detail = "worker killed by SIGKILL in phase use, item g0x4/one_shot/8x1024 (not by its supervisor)";
  const auto line = failure_line(died);
  CHECK(line.find("in g0x4/one_shot/8x1024: ") != std::string::npos);
  CHECK(line.find("killed by SIGKILL in phase use (not by its supervisor)") != std::string::npos);
  died.case_id = "g0x4/one_shot/8x1";
  CHECK(failure_line(died).find("item g0x4/one_shot/8x1024 (") != std::string::npos);
  CHECK(without_case("in phase use, item a", "a") == "in phase use");
  CHECK(without_case("in phase use, item a", "") == "in phase use, item a");
}

TEST_CASE("every kind of failure has a next step") {
  for (int reason = 0; reason <= static_cast<int>(Reason::internal); ++reason) {
    CHECK(next_step({.reason = static_cast<Reason>(reason), .peer = 1}).size() > 20);
  }
}

TEST_CASE("the summary names the cases that differ, and why the others are not decided") {
  RunBuilder run(3);
  for (const auto& allocator : {kSymm, kTorch}) {
    const bool symm = allocator == kSymm;
    run.add(run.ok(0, allocator, symm ? 8 : 10));
    run.add(run.ok(1, allocator, 10, 5, 4)).add(run.ok(2, allocator, 10, 5, 4));
  }
  const auto lines = summary_lines(run.report());
  const auto has = [&](const std::string& line) { return std::find(lines.begin(), lines.end(), line) != lines.end(); };
  CHECK(has("  allreduce bf16 one_shot 16 KiB: faster, 0.800 (0.800 to 0.800)"));
  CHECK(has("  2 inconclusive: 4 placements, 6 are needed; --placements 6 would do"));
  CHECK(std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
    return line.starts_with("time of ") &&
           line.ends_with(" 0.800 in the geometric mean of 1 case (1 faster, 2 inconclusive)");
  }));
}
