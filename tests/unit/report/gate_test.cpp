// How what a run is held against comes into its report, verdict and JUnit file.
#include <catch2/catch_test_macros.hpp>

#include "check_schema.hpp"
#include "report/junit.hpp"
#include "support/contains.hpp"

using namespace symmbench;

namespace {

Json check_of(const Json& row, const char* verdict) {
  return {{"against", "baseline"},
          {"case_id", row.at("case_id")},
          {"allocator", row.at("allocator")},
          {"workspace", nullptr},
          {"pattern", "allreduce"},
          {"algorithm", "one_shot"},
          {"dtype", "bf16"},
          {"message_bytes", 2048},
          {"unit", "us"},
          {"limit", 10.5},
          {"value", 12.1},
          {"ratio", 1.21},
          {"limit_ratio", 1.05},
          {"ratio_at_least", 1.18},
          {"ratio_at_most", 1.24},
          {"samples", 32},
          {"placements", 8},
          {"verdict", verdict},
          {"reason", nullptr}};
}

/// Says the same whatever the run measured.
class FixedGate final : public RunGate {
 public:
  FixedGate(const char* status, const char* verdict) : status_(status), verdict_(verdict) {}
  std::optional<std::string> objection(const Json&) const override { return std::nullopt; }
  Json judge(const Json& report) const override {
    return {{"status", status_},
            {"reason", nullptr},
            {"baseline", {{"file", "a.json"}, {"started_at", nullptr}, {"git", nullptr}}},
            {"threshold", nullptr},
            {"max_regress_percent", 5},
            {"level", 0.01},
            {"checks", Json::array({check_of(report.at("results")[0], verdict_)})}};
  }

 private:
  const char *status_, *verdict_;
};

RunBuilder passed_run() {
  RunBuilder run(1);
  run.add(run.ok(0, kSymm, 10)).add(run.ok(0, kTorch, 10));
  return run;
}

Json report_with(const RunGate* gate, const RunBuilder& run = passed_run()) {
  Json report = fold_report(run.records(), gate);
  CHECK(validate(report, schema_text("report")).empty());
  return report;
}

std::string summary_of(const Json& report) { return report.at("verdict").at("summary").dump(); }

}  // namespace

TEST_CASE("a regression makes a passed run exit code 1, and the summary says which and by how much") {
  const FixedGate gate("failed", "regressed");
  const Json report = report_with(&gate);
  CHECK(report.at("verdict").at("exit_code") == 1);
  CHECK(report.at("verdict").at("status") == "failed");
  CHECK(contains(summary_of(report), "gate failed: 1 of 1 check regressed"));
  CHECK(contains(summary_of(report), "12.10 us, baseline 10.50 us, proven 18.0 % slower at least"));
}

TEST_CASE("a gate that was kept leaves the verdict as it was") {
  const FixedGate gate("passed", "within");
  const Json report = report_with(&gate);
  CHECK(report.at("verdict").at("exit_code") == 0);
  CHECK(contains(summary_of(report), "gate passed: 0 of 1 check regressed (1 within"));
  CHECK(report_with(nullptr).at("gate").is_null());
}

TEST_CASE("a gate by which nothing was shown does not read as passed") {
  const FixedGate gate("passed", "undecided");
  const Json report = report_with(&gate);
  CHECK(report.at("verdict").at("exit_code") == 0);
  CHECK(contains(summary_of(report),
                 "gate not failed, but proves nothing: 0 of 1 check regressed (0 within, 1 undecided"));
}

TEST_CASE("a gate that could judge nothing leaves no verdict") {
  const FixedGate gate("no_verdict", "not_judged");
  CHECK(report_with(&gate).at("verdict").at("exit_code") == 3);
}

TEST_CASE("a report that is made without its baseline, out of journals, does not pass as if it had none") {
  RunBuilder run = passed_run();
  run.started.run["config"] = {{"baseline", "a.json"}, {"max_regress", 5}};
  const Json report = report_with(nullptr, run);
  CHECK(report.at("gate").at("status") == "not_judged");
  CHECK(report.at("verdict").at("exit_code") == 3);
}

TEST_CASE("in JUnit a regression is a failure of its row, and of the run") {
  const FixedGate gate("failed", "regressed");
  const auto xml = junit_xml(report_with(&gate));
  CHECK(contains(
      xml, "<failure type=\"regression\" message=\"" + std::string(kSymm) + " allreduce bf16 one_shot 2 KiB: 12.10"));
  CHECK(contains(xml, "failures=\"2\""));
  CHECK(contains(xml, "errors=\"0\""));
}
