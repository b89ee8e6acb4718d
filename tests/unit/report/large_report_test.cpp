// How long what is made of a report of 10,000 rows takes: unit_report "[benchmark]". Not among the tests: nothing depends on it.
#include <fmt/format.h>

#include <catch2/catch_test_macros.hpp>
#include <chrono>

#include "check_schema.hpp"
#include "report/csv.hpp"
#include "report/junit.hpp"
#include "report/prometheus.hpp"

using namespace symmbench;

namespace {

Json large_report(std::size_t rows) {
  RunBuilder run(1);
  run.add(run.ok(0, kSymm, 10)).add(run.ok(0, kTorch, 10));
  Json report = run.report();
  const Json small = report["results"];
  for (std::size_t i = small.size(); i < rows; ++i) {
    report["results"].push_back(small[i % small.size()]);
    report["results"].back()["case_id"] = fmt::format("case-{}", i / small.size());
  }
  return report;
}

template <class Step>
void timed(const char* what, Step&& step) {
  const auto begin = std::chrono::steady_clock::now();
  const std::size_t size = step();
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
  fmt::print("{}: {:.2f} s, {} bytes\n", what, spent.count(), size);
}

}  // namespace

TEST_CASE("what is made of a report of 10,000 rows, in seconds", "[.benchmark]") {
  const Json report = large_report(10000);
  timed("JUnit", [&] { return junit_xml(report).size(); });
  timed("CSV", [&] { return results_csv(report).size(); });
  timed("Prometheus", [&] { return prometheus_text(report).size(); });
  timed("schema", [&] {
    CHECK(validate(report, schema_text("report")).empty());
    return std::size_t{0};
  });
}
