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
  const StoredOutputs outputs = store_outputs(asked, report, "host");
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
  const StoredOutputs outputs = store_outputs(
      {{OutputFileKind::report, folder / "r.json"}, {OutputFileKind::tuning, folder / "t.json"}}, report, "host");
  CHECK(outputs.stored == std::vector<OutputFile>{{OutputFileKind::report, folder / "r.json"}});
  REQUIRE(outputs.problems.size() == 1);
  CHECK(outputs.problems[0].starts_with("no tuning table: "));
  const Json written = read_json_file(folder / "r.json");
  CHECK(exit_code(written) == 3);
  CHECK(written["verdict"]["summary"].back() == outputs.problems[0]);
}

TEST_CASE("a run that is not complete gives no tuning table") {
  RunBuilder run(1);
  run.ended->complete = false;
  const ScratchFolder folder;
  Json report = run.add_all_ok().report();
  const StoredOutputs outputs = store_outputs({{OutputFileKind::tuning, folder / "t.json"}}, report, "host");
  CHECK(outputs.problems == std::vector<std::string>{"no tuning table: the run is not complete"});
}

TEST_CASE("an output that cannot be written costs the verdict, with the path and the call that failed") {
  Json report = passed();
  const StoredOutputs outputs = store_outputs({{OutputFileKind::report, "/nonexistent/r.json"}}, report, "host");
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
