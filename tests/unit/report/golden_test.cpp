// A small run with one of everything, held against files in golden/. To accept a change on purpose, run with
// SYMMBENCH_WRITE_GOLDEN=1 and read the difference; a change of the report's layout also bumps its schema version, and
// the old golden report stays beside the new one.
#include <fmt/format.h>

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "check_schema.hpp"
#include "report/crossover_text.hpp"
#include "report/nccl_table.hpp"
#include "report/text.hpp"
#include "support/scratch_folder.hpp"
#include "table_of.hpp"

using namespace symmbench;

namespace {

std::string golden_path(const std::string& name) {
  return (std::filesystem::path(__FILE__).parent_path() / "golden" / name).string();
}

RunBuilder small_run() {
  RunBuilder run(4);
  // The first case again, with the other algorithm: a series of two.
  for (const auto& allocator : {kSymm, kTorch}) {
    Json other = RunBuilder::planned(0, allocator);
    other["case_id"] = "case-0-two";
    other["algorithm"] = other["algorithm_asked"] = "two_shot";
    run.started.planned_rows.push_back(other);
  }
  for (Json& planned : run.started.planned_rows) {
    planned["auto_algorithm"] = "one_shot";
    planned["auto_source"] = "computed";
  }
  run.started.planned_lifecycles = {Json{{"label", "lifecycle"},
                                         {"workspace", "trtllm_fusion"},
                                         {"transport", "unicast"},
                                         {"allocator", kSymm},
                                         {"handle_asked", "auto"},
                                         {"group", 0},
                                         {"lifecycles", 2}}};
  run.started.planned_rows[6]["skip"] = run.started.planned_rows[7]["skip"] = "needs 3 GiB, 1 GiB free";
  for (int rank = 0; rank < 3; ++rank) {
    run.add(RankFacts{
        rank,
        {{"host", "node1"},
         {"boot_id", "b0"},
         {"network_namespace", "4026531840"},
         {"pid", 100 + rank},
         {"cpus", 2},
         {"devices",
          Json::array({Json{{"kind", "host"}, {"usable", true}, {"name", "emulated device"}, {"ordinal", rank}},
                       Json{{"kind", "cuda"}, {"usable", false}, {"reason", "no driver"}}})},
         {"system",
          {{"os", "Ubuntu 24.04.3 LTS"},
           {"kernel", "6.8.0-60-generic"},
           {"architecture", "x86_64"},
           {"memory_total_bytes", std::uint64_t{1} << 40},
           {"container", Json::array({"kubernetes"})},
           {"modules", Json::array({Json{{"name", "ib_core"}, {"version", nullptr}}})},
           {"unknown", Json::array({Json{{"fact", "cpu_model"}, {"why", "/proc/cpuinfo: Permission denied"}}})}}},
         {"limits", {{"memlock", {{"soft", 8388608}, {"hard", nullptr}}}}},
         {"mpi", {{"library", "Open MPI v4.1.6"}, {"standard", "3.1"}}},
         {"environment", {{"NCCL_NVLS_ENABLE", "0"}}}}});
  }
  run.add(run.ok(0, kSymm, 8)).add(run.ok(0, kTorch, 10));
  for (const auto& allocator : {kSymm, kTorch}) {
    RowRecord two_shot = run.ok(0, allocator, 9);
    two_shot.case_id = "case-0-two";
    run.add(two_shot);
  }
  run.add(run.failed(1, 1, {kSymm, kTorch}));
  RowRecord again = run.ok(1, kSymm, 12);
  again.attempt = 2;
  again.alone = true;
  FailureRecord refused = run.failed(1, 3, {kTorch}, true);
  refused.failure = {.layer = Layer::driver,
                     .reason = Reason::out_of_memory,
                     .call = "cuMemCreate",
                     .detail = "64 MiB asked",
                     .phase = Phase::create,
                     .rank = 2,
                     .code = 2};
  run.add(again).add(refused);
  WorkspaceRecord workspace{.workspace = "trtllm_fusion", .transport = "unicast", .allocator = kSymm};
  workspace.handle = {{"asked", "auto"}, {"used", "posix_fd"}, {"reason", "a trial passed"}};
  workspace.segments = {Json{{"name", "comm"},
                             {"requested_bytes", 65536},
                             {"allocated_bytes", 2097152},
                             {"granularity_bytes", 2097152},
                             {"data_offset", 0},
                             {"signal_pad_offset", 65536},
                             {"signal_pad_bytes", 2048},
                             {"va_layout", "contiguous"},
                             {"va_bytes", 8388608}}};
  workspace.driver_calls = {Json{{"call", "cuMemCreate"}, {"count", 3}, {"failures", 0}, {"total_us", 42.5}}};
  workspace.differences = {
      Json{{"upstream", "waits without end"}, {"here", "bounded"}, {"reason", "a hang tells nothing"}}};
  run.add(workspace);
  for (std::uint64_t i = 0; i < 2; ++i) {
    LifecycleRecord cycle{
        .workspace = "trtllm_fusion", .transport = "unicast", .allocator = kSymm, .handle = workspace.handle};
    cycle.iteration = i;
    cycle.phase_us = {{"create", 100.0 + static_cast<double>(i)}, {"map", 50}, {"close", 20}};
    cycle.leaks = {{"fds", 0}, {"mappings", 0}, {"handles", 0}, {"va_bytes", 0}, {"device_bytes", 0}};
    run.add(cycle);
  }
  run.add(EventRecord{.what = "worker_restarted", .detail = "group-0: attempt 2", .data = nullptr});
  run.ended = RunEnded{"2026-01-31T23:59:59.000Z", false, "SIGTERM"};
  return run;
}

/// Where two documents first differ, as a JSON pointer; numbers may differ in their last digits.
std::string first_difference(const Json& a, const Json& b, const std::string& path = "") {
  if (a.is_number_float() && b.is_number()) {
    const double x = a.get<double>(), y = b.get<double>();
    return std::abs(x - y) <= 1e-9 * std::max(std::abs(x), std::abs(y)) ? "" : path + " ";
  }
  if (a.type() != b.type() && !(a.is_number_integer() && b.is_number_integer())) return path + " ";
  if (!a.is_structured()) return a == b ? "" : path + " ";
  if (a.size() != b.size()) return path + " ";
  for (auto left = a.begin(), right = b.begin(); left != a.end(); ++left, ++right) {
    const auto inner = fmt::format("{}/{}", path, a.is_object() ? left.key() : std::to_string(left - a.begin()));
    if (a.is_object() && left.key() != right.key()) return inner + " ";
    if (auto found = first_difference(*left, *right, inner); !found.empty()) return found;
  }
  return "";
}

bool writing() { return std::getenv("SYMMBENCH_WRITE_GOLDEN") != nullptr; }

void check_text(const std::string& name, const std::string& text) {
  if (writing()) write_text(golden_path(name), text);
  CHECK(read_text(golden_path(name)) == text);
}

}  // namespace

TEST_CASE("the report of a small run with one of everything is the golden one") {
  const Json report = checked_report(small_run());
  const auto newest = golden_path(fmt::format("report-{}.json", kReportSchemaVersion));
  if (writing()) write_text(newest, report.dump(2) + "\n");
  CHECK(first_difference(read_json_file(newest), report) == "");
}

TEST_CASE("golden reports of every version so far can be read, and the newest satisfies the shipped schema") {
  for (const std::string version : {"1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.0"}) {
    CAPTURE(version);
    const Json golden = read_json_file(golden_path(fmt::format("report-{}.json", version)));
    CHECK(golden.at("schema_version") == version);
    CHECK(validate(golden, schema_text("report")).empty() == (version == kReportSchemaVersion));
    std::ostringstream out;
    write_device_list(out, golden);
    write_nccl(out, golden);
    write_crossover(out, golden);
    write_verdict(out, golden, {});
    CHECK(out.str().find("FAILED") != std::string::npos);
  }
}

TEST_CASE("the text of the small run is the golden one") {
  const RunBuilder run = small_run();
  const Json report = run.report();
  std::ostringstream table_text, nccl_text;
  write_device_list(table_text, report);
  TableOf table(table_text);
  for (const Json& record : run.records()) table.append(record);
  table.finish(report);
  write_crossover(table_text, report);
  write_verdict(table_text, report, {{OutputFileKind::report, "report.json"}});
  check_text("table.txt", table_text.str());
  write_device_list(nccl_text, report);
  write_nccl(nccl_text, report);
  write_crossover(nccl_text, report, true);
  write_verdict(nccl_text, report, {{OutputFileKind::report, "report.json"}}, {.commented = true});
  check_text("nccl.txt", nccl_text.str());
}
