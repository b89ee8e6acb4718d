#include "gate/run_limits.hpp"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

#include "gate_reports.hpp"
#include "support/contains.hpp"
#include "support/scratch_folder.hpp"

using namespace symmbench;

namespace {

Thresholds thresholds_of(const Json& report) {
  const ScratchFolder folder;
  write_text(folder / "t.json", make_thresholds({{"a.json", report}}, 5, Json::object(), "today").file.dump());
  return read_thresholds(folder / "t.json");
}

RunLimits baseline_of(const Json& report, double max_regress = 5) {
  return {Baseline{.name = "a.json", .report = report, .max_regress = max_regress}, std::nullopt, ""};
}

std::size_t count(const Json& gate, const char* verdict) {
  std::size_t found = 0;
  for (const Json& check : gate.at("checks")) found += check.at("verdict") == verdict ? 1 : 0;
  return found;
}

/// What run --baseline and --threshold object to before anything runs.
std::string objection(const Json& file, bool is_baseline, const std::vector<Json>& planned,
                      DeviceChoice device = DeviceChoice::automatic) {
  const ScratchFolder folder;
  write_text(folder / "x.json", file.dump());
  RunConfig config;
  config.device = device;
  if (is_baseline) {
    config.baseline = folder / "x.json";
    config.max_regress = 5;
  } else {
    config.threshold = folder / "x.json";
  }
  try {
    const auto gate = make_run_gate(config, planned);
    CHECK(gate != nullptr);
    return "";
  } catch (const Error& error) {
    CHECK(error.failure().layer == Layer::config);
    return error.failure().detail;
  }
}

std::vector<Json> planned_rows(const Json& report) {
  return {report.at("results").begin(), report.at("results").end()};
}

}  // namespace

TEST_CASE("a run that is as its baseline passes, one of which an allocator is slower fails, check by check") {
  const auto limits = baseline_of(gate_report_of(1));
  const Json same = limits.judge(gate_report_of(1));
  CHECK(same.at("status") == "passed");
  CHECK(count(same, "within") == 8);
  const Json slower = limits.judge(gate_report_of(1.1));
  CHECK(slower.at("status") == "failed");
  CHECK(count(slower, "regressed") == 4);
  const Json& check = slower.at("checks")[1];
  CHECK(check.at("allocator") == "torch_symm_mem");
  CHECK(check.at("verdict") == "regressed");
  CHECK(check.at("limit").get<double>() == Catch::Approx(11 * 1.05));
  CHECK(check.at("value").get<double>() == Catch::Approx(12.1));
  CHECK(check.at("ratio_at_least").get<double>() > 1.05);
  CHECK(slower.at("baseline").at("file") == "a.json");
}

TEST_CASE("thresholds fail a run whose times break them, and one whose bandwidths do") {
  Json good = gate_report_of(1);
  good["results"].push_back(gate_row(4096, "torch_symm_mem", 20));
  good["results"][8]["busbw_gbs"] = 200;
  const RunLimits limits(std::nullopt, thresholds_of(good), "t.json");
  CHECK(limits.judge(good).at("status") == "passed");
  Json slow = good;
  slow["results"][8] = gate_row(4096, "torch_symm_mem", 25);
  slow["results"][8]["busbw_gbs"] = 160;
  const Json gate = limits.judge(slow);
  CHECK(gate.at("status") == "failed");
  CHECK(count(gate, "regressed") == 1);
  const Json& check = gate.at("checks")[8];
  CHECK(check.at("unit") == "gbs");
  CHECK(check.at("value") == 160);
  CHECK(check.at("limit").get<double>() == Catch::Approx(200 / 1.05));
  CHECK(limits.judge(gate_report_of(1.1)).at("status") == "failed");
}

TEST_CASE("a row that has a limit and was not measured is not judged, and says why; alone it makes no verdict") {
  const auto limits = baseline_of(gate_report_of(1));
  Json run = gate_report_of(1);
  run["results"][2]["status"] = "skipped";
  run["results"][2]["reason"] = "no room";
  const Json gate = limits.judge(run);
  CHECK(gate.at("status") == "passed");
  CHECK(gate.at("checks")[2].at("verdict") == "not_judged");
  CHECK(gate.at("checks")[2].at("reason") == "skipped: no room");
  for (Json& row : run["results"]) row["status"] = "skipped", row["reason"] = "no room";
  CHECK(limits.judge(run).at("status") == "no_verdict");
  CHECK(limits.judge(run).at("reason") == "no row could be judged: skipped: no room");
  CHECK(limits.judge(gate_report()).at("reason") == "no row of this run has a limit");
}

TEST_CASE("baseline and thresholds are one family of checks") {
  const Json good = gate_report_of(1);
  const RunLimits limits(Baseline{.name = "a.json", .report = good, .max_regress = 5}, thresholds_of(good), "t.json");
  const Json gate = limits.judge(good);
  CHECK(gate.at("checks").size() == 16);
  CHECK(gate.at("status") == "passed");
  // Each alone has a less strict bound than both together.
  const double together = gate.at("checks")[0].at("ratio_at_least");
  CHECK(together < baseline_of(good).judge(good).at("checks")[0].at("ratio_at_least").get<double>());
}

TEST_CASE("a run on another machine than its baseline or thresholds is objected to once the machine is known") {
  Json other = gate_report_of(1);
  for (Json& rank : other["ranks"]) rank["gpu_name"] = "NVIDIA B200";
  CHECK_FALSE(baseline_of(gate_report_of(1)).objection(gate_report_of(1)));
  CHECK(baseline_of(other).objection(gate_report_of(1)) ==
        "--baseline 'a.json' is of another machine: gpu_model: NVIDIA B200 and NVIDIA H200");
  const RunLimits limits(std::nullopt, thresholds_of(other), "t.json");
  CHECK(limits.objection(gate_report_of(1)) ==
        "--threshold 't.json' is of another machine: gpu_model: NVIDIA B200 and NVIDIA H200");
}

TEST_CASE("before anything runs a baseline must be fit, of the device that was asked for, and have a row of the plan") {
  const Json good = gate_report_of(1);
  const auto planned = planned_rows(good);
  CHECK(objection(good, true, planned) == "");
  CHECK(objection(good, true, planned, DeviceChoice::cuda) == "");
  CHECK(contains(objection(good, true, planned, DeviceChoice::host), "of a cuda device, and --device is host"));
  Json bad = good;
  bad["run"]["complete"] = false;
  CHECK(contains(objection(bad, true, planned), "--baseline '"));
  CHECK(contains(objection(bad, true, planned), "is not complete"));
  const std::vector other{gate_row(512, "torch_symm_mem", 1)};
  CHECK(contains(objection(good, true, other), "no row in common with this run, which plans g0x2/"));
  bad = good;
  bad["schema_version"] = "3.0.0";
  CHECK(contains(objection(bad, true, planned), "schema 3.0.0, and this program reads 1."));
}

TEST_CASE("before anything runs thresholds must be of the asked device, and of rows that are planned") {
  const Json good = gate_report_of(1);
  const Json limits = make_thresholds({{"a.json", good}}, 5, Json::object(), "today").file;
  auto planned = planned_rows(good);
  CHECK(objection(limits, false, planned) == "");
  CHECK(contains(objection(limits, false, planned, DeviceChoice::host), "of a cuda device, and --device is host"));
  planned.pop_back();
  const auto text = objection(limits, false, planned);
  CHECK(contains(text, "--threshold '"));
  CHECK(contains(text, "has limits for rows that this run does not plan, and so would not keep: g0x2/"));
  CHECK(contains(text, "8x512 (torch_symm_mem)"));
}
