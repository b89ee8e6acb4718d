#include "gate/compare_reports.hpp"

#include <algorithm>
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "gate/comparison_text.hpp"
#include "gate_reports.hpp"
#include "support/scratch_folder.hpp"

using namespace symmbench;

namespace {

std::string refusal_of(const std::string& path) {
  try {
    (void)read_report(path);
    return "";
  } catch (const Error& error) {
    return error.failure().detail;
  }
}

std::string no_gate(const Json& a, const Json& b) {
  return why_no_gate(compare_reports(a, b, 5), a, "a.json", b, "b.json").value_or("");
}

const EnvironmentDifference* difference(const ReportComparison& comparison, const std::string& key) {
  const auto at = std::find_if(comparison.environment.begin(), comparison.environment.end(),
                               [&](const EnvironmentDifference& one) { return one.key == key; });
  return at == comparison.environment.end() ? nullptr : &*at;
}

}  // namespace

TEST_CASE("a report held against itself is the same everywhere, and in the same surroundings") {
  const Json report = gate_report_of(1);
  const auto comparison = compare_reports(report, report, 5);
  CHECK(comparison.environment.empty());
  CHECK(comparison.cases.size() == 8);
  CHECK(comparison.count(PairVerdict::same) == 8);
  CHECK(comparison.count(GateVerdict::within) == 8);
  CHECK(*comparison.mean_ratio() == Catch::Approx(1));
  CHECK(comparison.gate_status() == ReportComparison::GateStatus::passed);
}

TEST_CASE("a comparison without a case says that its gate has no verdict, and why") {
  Json report = gate_report_of(1);
  report["results"] = Json::array();
  const Json json = comparison_json(compare_reports(report, report, 5), {report, report, "a.json", "b.json"});
  CHECK(json.at("gate").at("status") == "no_verdict");
  CHECK(json.at("text").back() == "Gate has NO VERDICT: no case in common that both measured");
}

TEST_CASE("rows are paired by case and allocator: only the allocator that became slower fails the gate") {
  const Json a = gate_report_of(1), b = gate_report_of(1.1);
  const auto comparison = compare_reports(a, b, 5);
  CHECK(comparison.gate_status() == ReportComparison::GateStatus::failed);
  for (const auto& each : comparison.cases) {
    const bool slowed = name_of_row(*each.b.row).second == "torch_symm_mem";
    CHECK(each.result.gate == (slowed ? GateVerdict::regressed : GateVerdict::within));
    CHECK(each.result.ratio == Catch::Approx(slowed ? 1.1 : 1));
  }
  CHECK(compare_reports(a, b, 15).gate_status() == ReportComparison::GateStatus::passed);
  CHECK(compare_reports(b, a, 5).gate_status() == ReportComparison::GateStatus::passed);  // faster is no regression
}

TEST_CASE("cases of one report only are listed by its side, and rows without times with their reason") {
  Json a = gate_report_of(1), b = gate_report_of(1);
  b["results"].push_back(gate_row(64, "torch_symm_mem", 5));
  a["results"].push_back(gate_row(128, "torch_symm_mem", 5));
  b["results"][0]["status"] = "failed";
  b["results"][0]["reason"] = "wrong data";
  a["results"][1].erase("placement_us");
  const auto comparison = compare_reports(a, b, std::nullopt);
  CHECK(comparison.cases.size() == 6);
  REQUIRE(comparison.only_in_b.size() == 1);
  CHECK(comparison.only_in_b[0] == name_of_row(gate_row(64, "torch_symm_mem", 5)));
  REQUIRE(comparison.only_in_a.size() == 1);
  REQUIRE(comparison.not_compared.size() == 2);
  CHECK(comparison.not_compared[0].why == "in B failed: wrong data");
  CHECK(comparison.not_compared[1].why == "in A no times by placement: reports have them from schema 1.5.0 on");
}

TEST_CASE("both verdicts are told behind the surroundings, and why a row did not run where the other report has it") {
  Json a = gate_report_of(1), b = gate_report_of(1);
  a["verdict"] = {{"status", "passed"}, {"exit_code", 0}, {"summary", {"8 of 8 rows ok"}}};
  b["verdict"] = {{"status", "interrupted"}, {"exit_code", 3}, {"summary", {"4 of 8 rows ok, 4 skipped"}}};
  b["run"]["complete"] = false;
  b["run"]["interrupted_by"] = "SIGTERM of pid 7";
  b["tool"]["git"] = "def";
  for (int row : {1, 3, 5}) {
    b["results"][row]["status"] = "skipped";
    b["results"][row]["reason"] = "posix_fd does not travel between hosts";
  }
  const auto comparison = compare_reports(a, b, std::nullopt);
  const ComparedReports reports{a, b, "a.json", "b.json"};
  for (const auto& text : {comparison_text(comparison, reports), comparison_markdown(comparison, reports)}) {
    CAPTURE(text);
    const auto at = [&](const char* part) { return text.find(part); };
    CHECK(at("A: passed (exit code 0)") != std::string::npos);
    CHECK(at("B: interrupted (exit code 3); NOT COMPLETE: SIGTERM of pid 7") != std::string::npos);
    CHECK(at("4 of 8 rows ok, 4 skipped") != std::string::npos);
    CHECK(at("tool_git") < at("A: passed"));
    CHECK(at("Ended otherwise: 3 rows") != std::string::npos);
    CHECK(at("A ok; B skipped: posix_fd does not travel between hosts") != std::string::npos);
    CHECK(at("3 rows, first g0x2/") != std::string::npos);
    CHECK(at("Not compared: ") == std::string::npos);
  }
  const Json json = comparison_json(comparison, reports);
  CHECK(json.at("a").at("verdict").at("status") == "passed");
  CHECK(json.at("b").at("verdict").at("interrupted_by") == "SIGTERM of pid 7");
  CHECK(json.at("b").at("verdict").at("complete") == false);
  REQUIRE(json.at("outcomes").size() == 3);
  CHECK(json.at("outcomes")[0].at("a") == Json{{"status", "ok"}, {"reason", nullptr}});
  CHECK(json.at("outcomes")[0].at("b").at("reason") == "posix_fd does not travel between hosts");
}

TEST_CASE("surroundings are told where they differ, and only another machine forbids a gate") {
  const Json a = gate_report_of(1);
  Json b = gate_report_of(1);
  b["tool"]["git"] = "def";
  b["run"]["config"]["seed"] = 2;
  b["run"]["config"]["report"] = "b.json";
  b["run"]["config"]["quiet"] = true;
  b["run"]["config"]["sweeps"][0]["hidden"] = {4096};
  b["ranks"][0]["environment"]["NCCL_NVLS_ENABLE"] = "1";
  b["ranks"][1]["devices"][0]["driver_version"] = 13010;
  const auto comparison = compare_reports(a, b, 5);
  for (const char* key :
       {"tool_git", "config.seed", "config.sweeps[0].hidden", "environment.NCCL_NVLS_ENABLE", "driver_version"}) {
    CAPTURE(key);
    REQUIRE(difference(comparison, key) != nullptr);
    CHECK_FALSE(difference(comparison, key)->other_machine);
  }
  CHECK(difference(comparison, "driver_version")->b == "13000, 13010");
  CHECK(comparison.environment.size() == 5);  // neither where it writes nor what it shows
  CHECK(no_gate(a, b) == "");
}

TEST_CASE("a gate is refused for another GPU model, device kind or fabric, naming both") {
  const Json a = gate_report_of(1);
  Json b = gate_report_of(1);
  b["ranks"][0]["gpu_name"] = b["ranks"][1]["gpu_name"] = "NVIDIA B200";
  CHECK(
      no_gate(a, b) ==
      "'a.json' and 'b.json' are of machines whose times cannot be held against each other: gpu_model: NVIDIA H200 and "
      "NVIDIA B200");
  b = gate_report_of(1);
  b["device"]["kind"] = "host";
  CHECK_THAT(no_gate(a, b), Catch::Matchers::EndsWith("device_kind: cuda and host"));
  b = gate_report_of(1);
  b["fabric"]["hosts"] = 2;
  CHECK_THAT(no_gate(a, b), Catch::Matchers::EndsWith("fabric_hosts: 1 and 2"));
}

TEST_CASE("a gate is refused for a report that is not complete, has injected faults, no samples or no common case") {
  const Json good = gate_report_of(1);
  Json bad = good;
  bad["run"]["complete"] = false;
  bad["run"]["interrupted_by"] = "SIGTERM";
  CHECK(no_gate(bad, good) == "'a.json': is not complete: SIGTERM");
  CHECK(no_gate(good, bad) == "'b.json': is not complete: SIGTERM");
  bad = good;
  bad["run"]["injected"] = {"slow_kernel:percent=10"};
  CHECK(no_gate(bad, good) == "'a.json': has injected faults (slow_kernel:percent=10)");
  bad = good;
  for (Json& row : bad["results"]) row["time_us"] = nullptr;
  CHECK_THAT(no_gate(bad, good), Catch::Matchers::StartsWith("'a.json': has no samples"));
  bad = gate_report();
  bad["results"].push_back(gate_row(4096, "torch_symm_mem", 5));
  CHECK(no_gate(bad, good) == "'a.json' and 'b.json' have no case in common that both measured");
}

TEST_CASE("a gate over cases of too few placements has no verdict, which is not a pass") {
  Json a = gate_report();
  a["results"].push_back(gate_row(1, "torch_symm_mem", 10, 4));
  const auto comparison = compare_reports(a, a, 5);
  CHECK(comparison.gate_status() == ReportComparison::GateStatus::no_verdict);
  CHECK_THAT(
      comparison_text(comparison, {a, a, "a.json", "a.json"}),
      Catch::Matchers::ContainsSubstring("NO VERDICT: none of 1 case can be judged (4 placements, 6 are needed)"));
}

TEST_CASE("emulated times differ from run to run: a slowdown that would fail on GPUs proves nothing there") {
  Json a = gate_report_of(1), b = gate_report_of(1.5);
  CHECK(compare_reports(a, b, 5).gate_status() == ReportComparison::GateStatus::failed);
  for (Json* report : {&a, &b}) (*report)["device"] = {{"kind", "host"}, {"emulated", true}};
  const auto emulated = compare_reports(a, b, 5);
  CHECK(emulated.gate_status() == ReportComparison::GateStatus::passed);
  const auto text = comparison_text(emulated, {a, b, "a.json", "b.json"});
  CHECK_THAT(text, Catch::Matchers::ContainsSubstring(
                       "Gate not failed, but proves nothing: none of 8 cases is proven more than 5 % slower"));
  CHECK_THAT(text, Catch::Matchers::ContainsSubstring("0 proven to keep the limit, 8 undecided, 0 not judged"));
  CHECK_THAT(text, !Catch::Matchers::ContainsSubstring("Gate passed"));
  CHECK_THAT(text, Catch::Matchers::ContainsSubstring("a slowdown by less than a factor of"));
}

TEST_CASE("the text says what each case came to, and every line of it fits 100 columns") {
  const Json a = gate_report_of(1), b = gate_report_of(1.1);
  const auto text = comparison_text(compare_reports(a, b, 5), {a, b, "a.json", "b.json"});
  CHECK_THAT(text, Catch::Matchers::ContainsSubstring("Gate FAILED: 4 of 8 cases proven more than 5 % slower"));
  CHECK_THAT(text, Catch::Matchers::ContainsSubstring("1.100"));
  CHECK_THAT(text, Catch::Matchers::ContainsSubstring("REGRESSED"));
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = text.find('\n', begin);
    CAPTURE(text.substr(begin, end - begin));
    CHECK(end - begin <= 100);
    begin = end + 1;
  }
  const Json json = comparison_json(compare_reports(a, b, 5), {a, b, "a.json", "b.json"});
  CHECK(json.at("gate").at("regressed") == 4);
  CHECK(json.at("cases").size() == 8);
  CHECK(json.at("cases")[1].at("gate") == "regressed");
  CHECK(comparison_json(compare_reports(a, b, std::nullopt), {a, b, "a", "b"}).at("gate").is_null());
  CHECK_THAT(comparison_markdown(compare_reports(a, b, 5), {a, b, "a.json", "b.json"}),
             Catch::Matchers::ContainsSubstring("| torch_symm_mem | 11.00 | 12.10 | 1.100 |"));
}

TEST_CASE("a report of another major schema version is refused with both versions, an older minor one is read") {
  const ScratchFolder folder;
  const auto with_version = [&](const std::string& version) {
    Json report = gate_report_of(1);
    report["schema_version"] = version;
    write_text(folder / "r.json", report.dump());
    return folder / "r.json";
  };
  CHECK(refusal_of(with_version("1.0.0")) == "");
  const auto refusal = refusal_of(with_version("2.0.0"));
  CHECK_THAT(refusal, Catch::Matchers::ContainsSubstring("schema 2.0.0"));
  CHECK_THAT(refusal, Catch::Matchers::ContainsSubstring("reads 1.5.0"));
  write_text(folder / "other.json", "{\"a\": 1}");
  CHECK_THAT(refusal_of(folder / "other.json"), Catch::Matchers::EndsWith("not a report of symmbench"));
  write_text(folder / "list.json", "[1, 2]");
  CHECK_THAT(refusal_of(folder / "list.json"), Catch::Matchers::EndsWith("not a report of symmbench"));
  CHECK_THAT(refusal_of(folder / "missing.json"), Catch::Matchers::ContainsSubstring("cannot be read"));
}

TEST_CASE("a report that is damaged in odd places is compared as far as it goes") {
  const Json good = gate_report_of(1);
  for (const char* key : {"tool", "run", "device", "fabric", "ranks"}) {
    for (const Json& odd : {Json(nullptr), Json(7), Json::array({1, nullptr}), Json("text")}) {
      Json bad = good;
      bad[key] = odd;
      CAPTURE(key, odd.dump());
      CHECK(compare_reports(good, bad, std::nullopt).cases.size() == 8);
      if (std::string(key) == "run") CHECK(no_gate(good, bad) != "");
    }
  }
  Json bad = good;
  bad["results"] = Json::array({7, nullptr, Json::object(), good["results"][0]});
  bad["results"].push_back(gate_row(2, "torch_symm_mem", 22));
  bad["results"][4]["placement_us"] = {1, "x", -3};
  CHECK(compare_reports(good, bad, std::nullopt).cases.size() == 1);
}
