#include "report/outputs.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sstream>

#include "report/write.hpp"
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

namespace {

/// TMPDIR leads to a folder of the test while this lives.
class TemporaryPlace {
 public:
  explicit TemporaryPlace(const std::string& path) {
    if (const char* old = std::getenv("TMPDIR")) before_ = old;
    ::setenv("TMPDIR", path.c_str(), 1);
  }
  ~TemporaryPlace() { before_ ? ::setenv("TMPDIR", before_->c_str(), 1) : ::unsetenv("TMPDIR"); }

 private:
  std::optional<std::string> before_;
};

int mode_of(const std::filesystem::path& path) { return static_cast<int>(std::filesystem::status(path).permissions()); }

}  // namespace

TEST_CASE("a report that cannot be written costs the verdict, and is kept in a folder that only the user can enter") {
  const ScratchFolder folder;
  const TemporaryPlace temporary(folder.path());
  Json report = passed();
  const StoredOutputs outputs = OutputFiles({{OutputFileKind::report, "/nonexistent/r.json"}}).store(report, "host");
  REQUIRE(outputs.problems.size() == 1);
  CHECK(outputs.problems[0].find("cannot write '/nonexistent/r.json'") != std::string::npos);
  CHECK(outputs.problems[0].find(" in open ") != std::string::npos);
  CHECK(exit_code(report) == 3);
  REQUIRE(outputs.stored.size() == 1);
  const std::filesystem::path path = outputs.stored[0].path;
  CHECK(path.string().starts_with(folder / "symmbench-"));
  CHECK(mode_of(path) == 0600);
  CHECK(mode_of(path.parent_path()) == 0700);
  CHECK(read_json_file(path) == report);
  CHECK(report["verdict"]["summary"].back() == "report: in '" + path.string() + "' instead");
}

TEST_CASE("an output folder is a second place, but nothing in it is overwritten") {
  const ScratchFolder folder, output_dir;
  const TemporaryPlace temporary(folder.path());
  for (const bool taken : {false, true}) {
    Json report = passed();
    OutputFiles files({{OutputFileKind::report, "/nonexistent/r.json"}}, output_dir.path());
    const StoredOutputs outputs = files.store(report, "host");
    REQUIRE(outputs.stored.size() == 1);
    CHECK(outputs.stored[0].path.starts_with(taken ? folder.path() : output_dir / "report.json"));
  }
}

TEST_CASE("where no place takes a report, its problem is all that is left, and no folder") {
  const ScratchFolder folder;
  const TemporaryPlace temporary(folder.path());
  constexpr OutputWriter kNowhere[] = {
      {.kind = OutputFileKind::report, .at_end = [](const std::string& path, const Json&, const std::string&) {
         throw Error({.reason = Reason::io_error, .detail = "no space: " + path});
       }}};
  Json report = passed();
  OutputFiles files({{OutputFileKind::report, "r.json"}}, std::nullopt, kNowhere);
  const StoredOutputs outputs = files.store(report, "host");
  CHECK(outputs.stored.empty());
  REQUIRE(outputs.problems.size() == 1);
  CHECK(outputs.problems[0].ends_with("no space: r.json"));
  CHECK(exit_code(report) == 3);
  CHECK(folder.is_empty());
}

TEST_CASE("a folder whose file system did not answer is not asked again, and what was to go there goes elsewhere") {
  static int g_asked = 0;
  constexpr auto kOutOfReach = [](const std::string& path, const Json&, const std::string&) {
    if (!std::filesystem::path(path).parent_path().string().ends_with("/far")) return write_file(path, "whole");
    ++g_asked;
    throw Error({.layer = Layer::report, .reason = Reason::io_error, .detail = "no answer", .code = ETIMEDOUT});
  };
  constexpr OutputWriter kFar[] = {
      {.kind = OutputFileKind::report, .stage = OutputStage::report, .at_end = kOutOfReach},
      {.kind = OutputFileKind::csv, .at_end = kOutOfReach}};
  const ScratchFolder folder;
  const TemporaryPlace temporary(folder.path());
  Json report = passed();
  OutputFiles files({{OutputFileKind::report, folder / "far/r.json"}, {OutputFileKind::csv, folder / "far/r.csv"}},
                    folder / "far", kFar);
  const StoredOutputs outputs = files.store(report, "");
  CHECK(g_asked == 1);
  CHECK(outputs.problems.size() == 2);
  REQUIRE(outputs.stored.size() == 2);
  for (const OutputFile& each : outputs.stored) CHECK(each.path.starts_with(folder / "symmbench-"));
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
  void on_end() override {
    write_text(path_, text_ + "end\n");
    if (!std::filesystem::exists(path_)) throw Error({.reason = Reason::io_error, .detail = "no folder"});
  }

 private:
  std::string path_, text_;
};

constexpr OutputWriter kPerCase[] = {
    {.kind = OutputFileKind::jsonl, .per_case = [](const std::string& path) -> std::unique_ptr<CaseListener> {
       return std::make_unique<Lines>(path);
     }}};

StoredOutputs run_with_lines(int cases, const std::string& path, Json& report) {
  OutputFiles outputs({{OutputFileKind::jsonl, path}}, std::nullopt, kPerCase);
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

TEST_CASE("an output that is written case by case begins again in a second place") {
  const ScratchFolder folder;
  const TemporaryPlace temporary(folder.path());
  Json report;
  const StoredOutputs outputs = run_with_lines(2, "/nonexistent/l.jsonl", report);
  REQUIRE(outputs.stored.size() == 1);
  CHECK(read_text(outputs.stored[0].path) == "plan\ncase-0\ncase-1\nend\n");
  CHECK(outputs.stored[0].path.starts_with(folder.path()));
  CHECK(exit_code(report) == 3);
}

TEST_CASE("JSON lines are the report's rows, a whole line each, as soon as their case is decided") {
  const ScratchFolder folder;
  const auto path = folder / "rows.jsonl";
  OutputFiles outputs({{OutputFileKind::jsonl, path}});
  CaseFeed feed({&outputs});
  RunBuilder run(2);
  std::vector<std::size_t> lines;  // after each record
  for (const Json& record : run.add_all_ok().records()) {
    feed.append(record);
    const auto text = read_text(path);
    lines.push_back(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')));
  }
  CHECK(lines == std::vector<std::size_t>{0, 0, 2, 2, 4, 4});
  const Json report = run.report();
  std::istringstream text(read_text(path));
  std::size_t number = 0;
  for (std::string line; std::getline(text, line); ++number) CHECK(Json::parse(line) == report["results"][number]);
  CHECK(number == 4);
}

TEST_CASE("every output of a run is written, each under its standard name's kind") {
  const ScratchFolder folder;
  std::vector<OutputFile> asked;
  for (const OutputFileRow& row : kOutputFiles) {
    if (row.now && row.value != OutputFileKind::tuning)
      asked.push_back({row.value, folder / std::string(row.file_name)});
  }
  Json report = passed();
  OutputFiles files(asked);
  CHECK(files.store(report, "host").stored == asked);
  for (const auto& output : asked) CHECK(std::filesystem::exists(output.path));
}

TEST_CASE("a verdict that was written is written again when the report fails after it") {
  const ScratchFolder folder;
  const TemporaryPlace temporary(folder.path());
  Json report = passed();
  OutputFiles files({{OutputFileKind::report, "/nonexistent/r.json"},
                     {OutputFileKind::junit, folder / "j.xml"},
                     {OutputFileKind::prometheus, folder / "m.prom"}});
  CHECK(files.store(report, "host").problems.size() == 1);
  CHECK(exit_code(report) == 3);
  CHECK(read_text(folder / "j.xml").find("<error type=\"no_verdict\"") != std::string::npos);
  CHECK(read_text(folder / "m.prom").find("status=\"no_verdict\"} 1") != std::string::npos);
}

TEST_CASE("the folder of outputs is made where it is missing, and is no file") {
  const ScratchFolder folder;
  make_output_dir(folder / "a/b");
  make_output_dir(folder / "a/b");
  CHECK(std::filesystem::is_directory(folder / "a/b"));
  write_text(folder / "file", "kept");
  const Failure refused = failure_of([&] { make_output_dir(folder / "file"); });
  CHECK(refused.layer == Layer::config);
  CHECK(refused.detail.starts_with("--output-dir '" + (folder / "file") + "': cannot be made: "));
  CHECK(read_text(folder / "file") == "kept");
}
