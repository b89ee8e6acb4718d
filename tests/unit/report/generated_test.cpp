// Whatever records come, in whatever order: the report keeps its schema, its denominators and its honesty.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <random>
#include <sstream>

#include "check_schema.hpp"
#include "report/nccl_table.hpp"
#include "report/table.hpp"
#include "report/text.hpp"
#include "report/verdict.hpp"

using namespace symmbench;

namespace {

class Generator {
 public:
  explicit Generator(unsigned seed) : engine_(seed) {}

  /// A run of up to 5 cases with up to 40 records of any kind about them, some contradicting one another.
  RunBuilder run() {
    const std::vector<std::string> allocators = chance(4)   ? std::vector{kSymm}
                                                : chance(3) ? std::vector{kSymm, kTorch, kIpc}
                                                            : std::vector{kSymm, kTorch};
    RunBuilder run(upto(5), allocators);
    run.started.strict = chance(4);
    run.started.raw_samples = chance(4);
    run.started.skip_if_unsupported = chance(3);
    run.started.device["emulated"] = chance(2);
    for (Json& planned : run.started.planned_rows) {
      if (chance(6)) planned["skip"] = "too large";
      if (chance(3)) planned["label"] = "group-0";
      if (chance(10)) planned.erase("dtype");
    }
    if (chance(2)) {
      run.started.planned_lifecycles = {Json{{"label", "lifecycle"},
                                             {"workspace", "trtllm_fusion"},
                                             {"transport", "unicast"},
                                             {"allocator", allocators.back()},
                                             {"handle_asked", "auto"},
                                             {"group", 0},
                                             {"lifecycles", upto(3)}}};
    }
    for (int i = upto(40); i > 0; --i) add_any(run, allocators);
    if (chance(4)) run.ended.reset();
    if (run.ended && chance(3)) run.ended = RunEnded{"2026-01-31T23:59:59Z", false, "SIGTERM"};
    return run;
  }

  std::vector<Json> shuffled(std::vector<Json> records) {
    std::shuffle(records.begin(), records.end(), engine_);
    return records;
  }

  int upto(int most) { return std::uniform_int_distribution<int>(0, most)(engine_); }
  bool chance(int one_in) { return upto(one_in - 1) == 0; }

 private:
  Failure failure() {
    Failure failure = RunBuilder::crash(upto(3));
    failure.reason = static_cast<Reason>(upto(static_cast<int>(Reason::internal)));
    failure.layer = static_cast<Layer>(upto(static_cast<int>(Layer::report)));
    failure.phase = chance(3) ? std::nullopt : std::optional(kAllPhases[upto(10)]);
    if (chance(2)) failure.peer = upto(3);
    if (chance(2)) failure.code.reset();
    return failure;
  }

  void add_any(RunBuilder& run, const std::vector<std::string>& allocators) {
    const auto& allocator = allocators[static_cast<std::size_t>(upto(static_cast<int>(allocators.size()) - 1))];
    switch (upto(6)) {
      case 0:
      case 1: {
        RowRecord row = run.ok(upto(5), allocator, 1 + upto(50), upto(60));
        row.attempt = upto(4);
        row.alone = chance(3);
        if (chance(4)) row.status = chance(2) ? "failed" : "skipped";
        if (chance(6)) row.wrong_elements = 7;
        if (chance(6)) row.failure = failure();
        if (chance(6)) row.launch = nullptr;
        if (chance(6)) row.handle = Json{{"asked", 5}};
        run.add(row);
        break;
      }
      case 2: {
        const bool alone = chance(2);
        FailureRecord record = run.failed(upto(6) - 1, upto(4), alone ? std::vector{allocator} : allocators, alone);
        record.failure = failure();
        if (chance(4)) record.status = "hung";
        if (chance(4)) record.label = chance(2) ? "" : "lifecycle";
        if (chance(8)) record.allocators.clear();
        run.add(record);
        break;
      }
      case 3: {
        LifecycleRecord record{.workspace = "trtllm_fusion", .transport = "unicast", .allocator = allocator};
        record.iteration = static_cast<std::uint64_t>(upto(3));
        record.phase_us = {{"create", upto(9)}, {"map", upto(9)}};
        record.leaks = {{"fds", upto(2) - 1}, {"mappings", 0}, {"device_bytes", nullptr}};
        if (chance(4)) record.failure = failure();
        if (chance(4)) record.leaks = nullptr;
        run.add(record);
        break;
      }
      case 4: {
        WorkspaceRecord record{.workspace = "trtllm_fusion", .transport = "unicast", .allocator = allocator};
        record.segments = {Json{{"name", "comm"}, {"requested_bytes", chance(2) ? Json(5) : Json("five")}}};
        record.driver_calls = {Json{{"call", "cuMemMap"}, {"count", 1}}};
        run.add(record);
        break;
      }
      case 5: {
        Json data = nullptr;
        if (chance(2))
          data = {{"label", "group-0"}, {"case_ids", {RunBuilder::case_id(upto(5))}}, {"allocators", allocators}};
        run.add(EventRecord{.what = chance(2) ? "group_skipped" : "worker_restarted", .detail = "text", .data = data});
        break;
      }
      default:
        run.add(RankFacts{upto(5), chance(2) ? Json{{"host", "h"}, {"devices", 7}} : Json(nullptr)});
    }
  }

  std::mt19937 engine_;
};

/// Events keep the order in which they come; everything else must not depend on it.
Json without_events(Json report) {
  report["run"]["events"] = nullptr;
  return report;
}

}  // namespace

TEST_CASE("any sequence of records folds to a valid report with one row per planned row") {
  for (unsigned seed = 1; seed <= 600; ++seed) {
    INFO("seed " << seed);
    Generator generator(seed);
    const RunBuilder run = generator.run();
    const Json report = checked_report(run);
    REQUIRE(report["results"].size() == run.started.planned_rows.size());

    bool bad = false, hung = false;
    for (const Json& row : report["results"]) {
      const auto status = row["status"].get<std::string>();
      hung = hung || status == "hung";
      bad = bad || status == "failed";
      if (status == "failed" || status == "hung") {
        CHECK_FALSE(row["failure"].is_null());
        CHECK_FALSE(row["reason"].is_null());
        CHECK_FALSE(row["attempts"].empty());
      }
      if (status == "skipped" || status == "not_tested")
        CHECK((!row["reason"].is_null() || !row["attempts"].is_null()));
      if (status == "ok") CHECK(row["wrong_elements"] == 0);
    }
    const int code = report["verdict"]["exit_code"].get<int>();
    if (hung) CHECK(code == 4);
    if (bad && !hung) CHECK((code == 1 || code == 4));
    if (code == 0) CHECK(report["run"]["complete"] == true);
  }
}

TEST_CASE("no failure record is lost: with one, a run never passes") {
  for (unsigned seed = 1; seed <= 600; ++seed) {
    const RunBuilder run = Generator(seed).run();
    const bool any_failure = std::any_of(run.happened.begin(), run.happened.end(),
                                         [](const Json& record) { return type_of(record) == "failure"; });
    if (!any_failure) continue;
    INFO("seed " << seed);
    const Json report = run.report();
    const int code = report["verdict"]["exit_code"].get<int>();
    const bool ran = std::any_of(report["results"].begin(), report["results"].end(), [](const Json& row) {
      return row["status"] != "skipped" && row["status"] != "not_tested";
    });
    // Before anything ran, a failure that concerns no allocator leaves no verdict.
    CHECK((code == 1 || code == 4 || (code == 3 && !ran && !report["run"]["incidents"].empty())));
  }
}

TEST_CASE("the fold does not depend on how records are interleaved") {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    Generator generator(seed);
    RunBuilder run = generator.run();
    // Of several facts of one rank the last counts, so that their order is the one thing that matters.
    std::erase_if(run.happened, [](const Json& record) { return type_of(record) == "rank"; });
    std::erase_if(run.happened, [](const Json& record) { return type_of(record) == "event"; });
    const Json expected = without_events(run.report());
    for (int i = 0; i < 3; ++i) CHECK(without_events(fold_report(generator.shuffled(run.records()))) == expected);
  }
}

TEST_CASE("the fold is pure: the same records give the same report, byte for byte") {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    const RunBuilder run = Generator(seed).run();
    CHECK(run.report().dump() == run.report().dump());
  }
}

TEST_CASE("a run cut off after any record folds to a valid report that does not pass") {
  RunBuilder run(3);
  run.add_all_ok().add(run.failed(2, 5, {kSymm, kTorch}));
  const auto records = run.records();
  for (std::size_t kept = 1; kept + 1 < records.size(); ++kept) {
    INFO("kept " << kept);
    const Json report = fold_report(std::span(records).first(kept));
    CHECK(validate(report, schema_text("report")).empty());
    CHECK(report["verdict"]["exit_code"] != 0);
    CHECK(report["run"]["complete"] == false);
  }
}

TEST_CASE("every folded report can be printed, and the feed tells of each case once") {
  struct Counter final : CaseListener {
    void on_plan(const RunStarted&) override {}
    void on_case(const DecidedCase& decided) override { ++times[decided.case_id]; }
    void on_end() override {}
    std::map<std::string, int> times;
  };
  for (unsigned seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    const RunBuilder run = Generator(seed).run();
    std::ostringstream out;
    TableWriter table(out);
    Counter counter;
    CaseFeed feed({&table, &counter});
    for (const Json& record : run.records()) feed.append(record);
    const Json report = run.report();
    feed.finish(report);
    std::map<std::string, int> once;
    for (const Json& planned : run.started.planned_rows) once[planned["case_id"].get<std::string>()] = 1;
    CHECK(counter.times == once);
    write_device_list(out, report);
    write_nccl(out, report);
    write_verdict(out, report, {});
  }
}
