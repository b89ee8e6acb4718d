#include "report/outputs.hpp"

#include <catch2/catch_test_macros.hpp>

#include "run_builder.hpp"
#include "support/failures.hpp"
#include "support/scratch_folder.hpp"

using namespace symmbench;

namespace {

Json passed() { return RunBuilder(1).add_all_ok().report(); }

}  // namespace

TEST_CASE("what a run was asked for is written, and told in the order in which it was asked for") {
  const ScratchFolder folder;
  const std::vector<OutputFile> asked{{OutputFileKind::report, folder / "r.json"}};
  Json report = passed();
  const StoredOutputs outputs = OutputFiles(asked).store(report, "host");
  CHECK(outputs.stored == asked);
  CHECK(outputs.problems.empty());
  CHECK(outputs.holds(OutputFileKind::report));
  CHECK_FALSE(outputs.holds(OutputFileKind::tuning));
  CHECK(read_json_file(asked[0].path) == report);
}

TEST_CASE("the report is written last, and its verdict says what another output lacks") {
  const ScratchFolder folder;
  Json report = passed();
  REQUIRE(exit_code(report) == 0);
  OutputFiles files({{OutputFileKind::report, folder / "r.json"}, {OutputFileKind::tuning, folder / "t.json"}});
  const StoredOutputs outputs = files.store(report, "");
  CHECK(outputs.stored == std::vector<OutputFile>{{OutputFileKind::report, folder / "r.json"}});
  REQUIRE(outputs.problems.size() == 1);
  CHECK(outputs.problems[0].starts_with("no tuning table: the GPUs differ"));
  const Json written = read_json_file(folder / "r.json");
  CHECK(exit_code(written) == 3);
  CHECK(written["verdict"]["summary"].back() == outputs.problems[0]);
}

TEST_CASE("a run that is not complete gives no tuning table") {
  RunBuilder run(1);
  run.ended->complete = false;
  const ScratchFolder folder;
  Json report = run.add_all_ok().report();
  const StoredOutputs outputs = OutputFiles({{OutputFileKind::tuning, folder / "t.json"}}).store(report, "host");
  CHECK(outputs.problems == std::vector<std::string>{"no tuning table: the run is not complete"});
}

TEST_CASE("an output that cannot be written costs the verdict, with the path and the call that failed") {
  Json report = passed();
  const StoredOutputs outputs = OutputFiles({{OutputFileKind::report, "/nonexistent/r.json"}}).store(report, "host");
  CHECK(outputs.stored.empty());
  REQUIRE(outputs.problems.size() == 1);
  CHECK(outputs.problems[0].find("cannot write '/nonexistent/r.json'") != std::string::npos);
  CHECK(outputs.problems[0].find(" in open ") != std::string::npos);
  CHECK(exit_code(report) == 3);
}

TEST_CASE("every output is tried for before the run") {
  const ScratchFolder folder;
  check_outputs({{OutputFileKind::report, folder / "r.json"}});
  const Failure refused = failure_of([&] {
    check_outputs({{OutputFileKind::report, folder / "r.json"}, {OutputFileKind::tuning, "/nonexistent/t.json"}});
  });
  CHECK(refused.detail.find("/nonexistent/t.json") != std::string::npos);
}

namespace {

/// Writes a line for each case; the third breaks it.
class Lines final : public CaseListener {
 public:
  explicit Lines(std::string path) : path_(std::move(path)) {}
  void on_plan(const RunStarted&) override { text_ = "plan\n"; }
  void on_case(const DecidedCase& decided) override {
    if (decided.case_id == RunBuilder::case_id(2)) throw Error({.reason = Reason::io_error, .detail = "disk full"});
    text_ += decided.case_id + "\n";
  }
  void on_end() override { write_text(path_, text_ + "end\n"); }

 private:
  std::string path_, text_;
};

constexpr OutputWriter kPerCase[] = {
    {.kind = OutputFileKind::jsonl, .per_case = [](const std::string& path) -> std::unique_ptr<CaseListener> {
       return std::make_unique<Lines>(path);
     }}};

StoredOutputs run_with_lines(int cases, const std::string& path, Json& report) {
  OutputFiles outputs({{OutputFileKind::jsonl, path}}, kPerCase);
  CaseFeed feed({&outputs});
  RunBuilder run(cases);
  for (const Json& record : run.add_all_ok().records()) feed.append(record);
  report = run.report();
  feed.finish(report);
  return outputs.store(report, "host");
}

}  // namespace

TEST_CASE("an output that is written case by case hears of each of them") {
  const ScratchFolder folder;
  Json report;
  const StoredOutputs outputs = run_with_lines(2, folder / "l.jsonl", report);
  CHECK(outputs.holds(OutputFileKind::jsonl));
  CHECK(read_text(folder / "l.jsonl") == "plan\ncase-0\ncase-1\nend\n");
  CHECK(exit_code(report) == 0);
}

TEST_CASE("an output that breaks while the run goes on costs the verdict, not the run") {
  const ScratchFolder folder;
  Json report;
  const StoredOutputs outputs = run_with_lines(4, folder / "l.jsonl", report);
  CHECK(outputs.stored.empty());
  REQUIRE(outputs.problems.size() == 1);
  CHECK(outputs.problems[0].find("disk full") != std::string::npos);
  CHECK(exit_code(report) == 3);
}
