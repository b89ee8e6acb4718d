#include <catch2/catch_test_macros.hpp>

#include "report/schema.hpp"
#include "run_builder.hpp"

using namespace symmbench;

namespace {

/// Folds, insists on the schema, returns the report.
Json checked_report(const RunBuilder& run) {
  Json report = run.report();
  for (const auto& violation : validate(report, schema_text("report"))) {
    FAIL_CHECK(violation.path << ": " << violation.message);
  }
  return report;
}

}  // namespace

TEST_CASE("a run in which everything passed folds to ok rows, comparisons and exit code 0") {
  const Json report = checked_report(RunBuilder().add_all_ok());
  INFO(report.dump(2));
  REQUIRE(report["results"].size() == 4);
  for (const Json& row : report["results"]) {
    CHECK(row["status"] == "ok");
    CHECK(row["attempts"].empty());
    CHECK(row["time_us"]["samples"] == 10);
    CHECK(row["slowest_rank"] == 2);
    CHECK(row["busbw_gbs"].is_null());
  }
  CHECK(report["comparison"].size() == 2);
  CHECK(report["verdict"]["exit_code"] == 0);
}
