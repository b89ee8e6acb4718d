// What devices and hosts said of themselves during a run, as a report has it and as its findings read it.
#include <catch2/catch_test_macros.hpp>

#include "check_schema.hpp"
#include "report/fold.hpp"
#include "report/summary.hpp"
#include "run_builder.hpp"
#include "support/contains.hpp"

using namespace symmbench;

namespace {

/// A run on GPUs of one host, whose rank r has the GPU 0000:0(r+1):00.0.
RunBuilder run_on_gpus() {
  RunBuilder run(1);
  run.started.device = {{"asked", "auto"}, {"kind", "cuda"}, {"emulated", false}, {"reason", ""}};
  for (int rank = 0; rank < 2; ++rank) {
    run.add(RankFacts{
        rank,
        {{"host", "node1"},
         {"machine", "m"},
         {"devices",
          Json::array({Json{
              {"kind", "cuda"}, {"usable", true}, {"pci_bus_id", fmt::format("0000:{:02X}:00.0", 0x1A + rank)}}})}}});
  }
  return run;
}

Json line(const char* text) { return {{"at_us", 7}, {"text", text}}; }

/// "check[entities] " of each finding that says something.
std::string found(const Json& report, const char* severity) {
  std::string text;
  for (const Json& finding : report.at("findings")) {
    if (finding.at("severity") != severity) continue;
    text += finding.at("check_id").get<std::string>() + finding.at("entities").dump() + " ";
  }
  return text;
}

const Json& finding(const Json& report, std::string_view check) {
  for (const Json& one : report.at("findings")) {
    if (one.at("check_id").get<std::string>() == check) return one;
  }
  throw std::out_of_range(std::string(check));
}

}  // namespace

TEST_CASE("an Xid of the kernel's log is laid to the rank that has the GPU, and another job's to the host") {
  RunBuilder run = run_on_gpus();
  run.add_all_ok();
  run.add(KernelLogRecord{.rank = 0,
                          .lines = {line("NVRM: Xid (PCI:0000:1b:00): 31, pid=7, name=symmbench, Ch 1"),
                                    line("NVRM: Xid (PCI:0000:77:00): 79, pid=9, GPU has fallen off the bus.")}});
  run.add(KernelLogRecord{.rank = 0,
                          .lines = {line("nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 28006, Non-fatal, Link 46"),
                                    line("Out of memory: Killed process 77 (symmbench) total-vm:1kB"),
                                    line("Out of memory: Killed process 78 (python3) total-vm:1kB")},
                          .cut = 4});
  const Json report = checked_report(run);
  REQUIRE(report["fabric"]["kernel_log"].size() == 1);
  const Json& log = report["fabric"]["kernel_log"][0];
  CHECK(log["host"] == "node1");
  CHECK(log["cut"] == 4);
  REQUIRE(log["lines"].size() == 5);
  CHECK(log["lines"][0]["xid"] == 31);
  CHECK(log["lines"][0]["rank"] == 1);
  CHECK(log["lines"][1]["xid"] == 79);
  CHECK(log["lines"][1]["rank"].is_null());
  CHECK(log["lines"][2]["xid"].is_null());
  CHECK(log["lines"][2]["sxid"] == 28006);
  CHECK(found(report, "critical") ==
        "xid_memory_fault[\"rank 1\"] nvswitch_error[\"host node1\"] killed_for_memory[\"host node1\"] ");
  CHECK(contains(found(report, "info"), "xid_gpu_lost[\"host node1\"]"));
  CHECK(contains(found(report, "info"), "killed_for_memory[\"host node1\"]"));
}

TEST_CASE("an Xid of NVML's events is found, by either source; where neither can be asked it is unknown why") {
  RunBuilder run = run_on_gpus();
  run.add_all_ok();
  run.add(DeviceSampleRecord{0, 0, "g", Json::object(), Json::object(), {{"xids", {145, 145}}, {"cut", false}}});
  run.add(DeviceSampleRecord{0, 1, "g", Json::object(), Json::object(), {{"xids", {9999}}, {"cut", true}}});
  run.add(KernelLogRecord{.rank = 0, .unreadable = "/dev/kmsg: Operation not permitted", .lines = Json::array()});
  const Json report = checked_report(run);
  CHECK(report["fabric"]["samples"][0]["xids"] == Json{145, 145});
  CHECK(report["fabric"]["samples"][1]["xids_cut"] == true);
  CHECK(finding(report, "xid_nvlink")["entities"] == Json{"rank 0"});
  CHECK(finding(report, "xid_other")["entities"] == Json{"rank 1"});
  CHECK(finding(report, "xid_stuck")["severity"] == "pass");  // both GPUs were asked
  CHECK(finding(report, "nvswitch_error")["severity"] == "unknown");

  RunBuilder silent = run_on_gpus();
  silent.add_all_ok();
  silent.add(
      DeviceSampleRecord{0, 0, "g", {}, {}, {{"xids", nullptr}, {"unknown", "libnvidia-ml.so.1 has no events"}}});
  silent.add(KernelLogRecord{.rank = 0, .unreadable = "/dev/kmsg: Operation not permitted", .lines = Json::array()});
  const Json unknown = checked_report(silent);
  CHECK(unknown["fabric"]["samples"][0]["xids_unknown"] == "libnvidia-ml.so.1 has no events");
  CHECK(finding(unknown, "xid_stuck")["severity"] == "unknown");
  CHECK(contains(finding(unknown, "xid_stuck")["evidence"].dump(), "Operation not permitted"));
}

TEST_CASE("samples that were taken while a GPU was slowed down count, and are told, with the rank") {
  RunBuilder plain = run_on_gpus(), run = run_on_gpus();
  CHECK(checked_report(plain.add_all_ok())["results"][0]["slowed_samples"].is_null());
  for (const auto& allocator : {kSymm, kTorch}) {
    RowRecord row = run.ok(0, allocator);
    for (SampleBlock& block : row.blocks) block.slowed_ranks.emplace();
    if (allocator == kTorch) row.blocks.at(2).slowed_ranks = std::vector<int>{1};
    run.add(row);
  }
  const Json report = checked_report(run), before = checked_report(plain);
  CHECK(RunBuilder::row(report, 0, kSymm)["slowed_samples"] == 0);
  CHECK(RunBuilder::row(report, 0, kSymm)["slowed_ranks"].empty());
  const Json row = RunBuilder::row(report, 0, kTorch);
  CHECK(row["slowed_samples"] == 5);
  CHECK(row["slowed_ranks"] == Json{1});
  CHECK(row["time_us"] == RunBuilder::row(before, 0, kTorch)["time_us"]);
  CHECK(contains(report["verdict"]["summary"].dump(),
                 "slowed down: 5 of 60 samples of 1 row were taken while the GPU of rank 1 was held back"));
  CHECK(contains(found(report, "warning"), "throttled[\"rank 1\"]"));
}
