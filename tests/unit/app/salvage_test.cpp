#include <catch2/catch_test_macros.hpp>
#include <filesystem>

#include "app/command_bundle.hpp"
#include "app/command_salvage.hpp"
#include "journal/journal.hpp"
#include "report/schema_validation.hpp"
#include "report/write.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/failures.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/unit/report/run_builder.hpp"

using namespace symmbench;

namespace {

/// What every rank's journal holds of a run of four that was killed: rank 0 keeps all.
void write_journals(const std::string& dir, const std::vector<Json>& records) {
  for (int rank = 0; rank < 4; ++rank) {
    JournalWriter journal(dir, rank);
    for (const Json& record : records) {
      if (rank == 0 || type_of(record) == "row") journal.append(record);
    }
  }
}

RunBuilder killed_run() {
  RunBuilder run(2);
  run.ended.reset();
  run.add(run.ok(0, kSymm)).add(run.ok(0, kTorch));
  return run;
}

ParsedCommand salvage(const std::string& dir, const std::string& output, bool force = false) {
  return {.command = "salvage", .subjects = {dir}, .output = output, .force = force};
}

std::string refusal(const ParsedCommand& parsed) {
  return failure_of([&] { (void)command_salvage(parsed); }).detail;
}

}  // namespace

TEST_CASE("salvage makes the report that the run would have written, with what was not reached as not tested") {
  const ScratchFolder folder;
  write_journals(folder / "r.json.journal", killed_run().records());
  CHECK(command_salvage(salvage(folder / "r.json.journal", folder / "r.json")) == 3);
  const Json report = read_json_file(folder / "r.json");
  CHECK(validate(report, schema_text("report")).empty());
  CHECK(report["run"]["complete"] == false);
  CHECK(exit_code(report) == 3);
  CHECK(RunBuilder::row(report, 0, kSymm)["status"] == "ok");
  CHECK(RunBuilder::row(report, 0, kTorch)["status"] == "ok");
  CHECK(RunBuilder::row(report, 1, kSymm)["status"] == "not_tested");
  CHECK(report["run"]["events"].size() == 1);
  CHECK(report["run"]["events"][0]["what"] == "salvaged");
  CHECK(std::filesystem::exists(folder / "r.json.journal/rank-0.jsonl"));
  // the same by the folder that the journals' folder is in
  CHECK(command_salvage(salvage(folder.path(), folder / "s.json")) == 3);
  CHECK(read_text(folder / "s.json") == read_text(folder / "r.json"));
}

TEST_CASE("a failure that the journals know of is the salvaged report's verdict") {
  const ScratchFolder folder;
  RunBuilder run = killed_run();
  run.add(run.failed(1, 1, {kSymm}, true));
  write_journals(folder / "j", run.records());
  CHECK(command_salvage(salvage(folder / "j", folder / "r.json")) == 1);
}

TEST_CASE("damaged, cut off and missing journals are named, and the others still tell") {
  const ScratchFolder folder;
  const auto dir = folder / "j";
  write_journals(dir, killed_run().records());
  std::filesystem::remove(dir + "/rank-3.jsonl");
  const auto text = read_text(dir + "/rank-1.jsonl");
  write_text(dir + "/rank-1.jsonl", "x" + text.substr(1));
  write_text(dir + "/rank-2.jsonl", text.substr(0, text.size() - 5));
  CHECK(command_salvage(salvage(dir, folder / "r.json")) == 3);
  const Json report = read_json_file(folder / "r.json");
  std::string events;
  for (const Json& event : report["run"]["events"]) events += event["detail"].get<std::string>() + "\n";
  CHECK(contains(events, "rank-1.jsonl line 1: "));
  CHECK(contains(events, "rank-2.jsonl line 2: cut off"));
  CHECK(contains(events, "rank-3.jsonl: missing, of 4 ranks"));
  CHECK(RunBuilder::row(report, 0, kTorch)["status"] == "ok");
}

TEST_CASE("a record that no run writes is told, with the place where the report breaks its schema") {
  const ScratchFolder folder;
  RunBuilder run = killed_run();
  WorkspaceRecord workspace{.workspace = "trtllm_fusion", .transport = "unicast", .allocator = kSymm};
  workspace.handle = {{"asked", "auto"}, {"used", "posix_fd"}, {"reason", "a trial passed"}};
  workspace.driver_calls = {{{"call", "cuMemCreate"}, {"count", -1}, {"total_us", 1.0}, {"failed", 0}}};
  run.add(workspace);
  write_journals(folder / "j", run.records());
  CHECK(command_salvage(salvage(folder / "j", folder / "r.json")) == 3);
  const Json events = read_json_file(folder / "r.json")["run"]["events"];
  CHECK(contains(events.back()["detail"].get<std::string>(), "/driver_calls/0/"));
}

TEST_CASE("a journal of another version, without a plan, of a live run or none at all is refused by name") {
  const ScratchFolder folder;
  const auto output = folder / "r.json";
  CHECK(contains(refusal(salvage(folder / "nowhere", output)), "symmbench salvage: "));
  CHECK(contains(refusal(salvage(folder.path(), output)), "holds no journal"));

  auto records = killed_run().records();
  records[0]["journal_version"] = 2;
  write_journals(folder / "newer", records);
  CHECK(contains(refusal(salvage(folder / "newer", output)), "version 2"));

  write_journals(folder / "headless", std::vector<Json>(records.begin() + 1, records.end()));
  CHECK(contains(refusal(salvage(folder / "headless", output)), "rank-0.jsonl"));

  {
    JournalWriter live(folder / "live", 0);
    for (const Json& record : killed_run().records()) live.append(record);
    CHECK(contains(refusal(salvage(folder / "live", output)), "is alive"));
    CHECK(command_salvage(salvage(folder / "live", output, true)) == 3);
  }
}

TEST_CASE("an existing file is not overwritten unless that is asked for") {
  const ScratchFolder folder;
  write_journals(folder / "j", killed_run().records());
  write_text(folder / "r.json", "kept");
  CHECK(refusal(salvage(folder / "j", folder / "r.json")) ==
        "symmbench salvage: -o '" + (folder / "r.json") + "': exists; --force replaces it");
  CHECK(read_text(folder / "r.json") == "kept");
  CHECK(command_salvage(salvage(folder / "j", folder / "r.json", true)) == 3);
  CHECK(refusal({.command = "salvage", .subjects = {folder / "j"}}) == "symmbench salvage: needs -o FILE; see --help");
  CHECK(contains(refusal(salvage(folder / "j", "/nonexistent/r.json")), "cannot write '/nonexistent/r.json'"));
}

TEST_CASE("an archive whose name says another kind of file is refused before anything is read") {
  const auto failure = failure_of([] {
    (void)command_bundle(parse_command_line({"bundle", "/nowhere", "-o", "ticket.zip"}));
  });
  CHECK(contains(failure.detail, "symmbench bundle: -o 'ticket.zip': must end in .tar.gz or .tgz"));
}
