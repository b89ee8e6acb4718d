#include "gate/stability.hpp"

#include <algorithm>
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

#include "gate/comparison_text.hpp"
#include "gate_reports.hpp"
#include "support/contains.hpp"

using namespace symmbench;
using Catch::Approx;

namespace {

Json step(double us, int lifecycles) {
  Json parts = Json::array();
  for (int i = 0; i < 8; ++i) parts.push_back(us * (i % 2 ? 1.01 : 0.99));
  return {{"count", lifecycles}, {"p50_us", us}, {"parts_p50_us", parts}};
}

/// A soak of one allocator.
Json soak(int lifecycles, int failed, double map_us = 100, int handles_left = 0) {
  Json map = step(map_us, lifecycles);
  map["phase"] = "map";
  Json report = gate_report("host");
  report["stability"] = Json::array({Json{{"workspace", "trtllm_fusion"},
                                          {"transport", "unicast"},
                                          {"allocator", "torch_symm_mem"},
                                          {"handle", {{"asked", "auto"}}},
                                          {"lifecycles_planned", lifecycles},
                                          {"lifecycles", lifecycles},
                                          {"failed", failed},
                                          {"phases", Json::array({map})},
                                          {"total", step(map_us + 50, lifecycles)},
                                          {"leaks", {{"handles", handles_left}}}}});
  return report;
}

}  // namespace

TEST_CASE("two soaks are compared by failures in 1000 with intervals, and the stabler one is named by its side") {
  const Json compared = compared_stability(soak(1000, 20), soak(1000, 0));
  REQUIRE(compared.size() == 1);
  const Json& entry = compared[0];
  CHECK(entry["allocator"] == "torch_symm_mem");
  CHECK(entry["failures_a"]["per_1000"] == 20);
  CHECK(entry["failures_b"]["per_1000"] == 0);
  CHECK(entry["failures_a"]["low"].get<double>() > 10);
  CHECK(entry["verdict"] == "stabler");
  CHECK(entry["stabler"] == "B");
  CHECK(compared_stability(soak(1000, 0), soak(1000, 20))[0]["stabler"] == "A");
  CHECK(compared_stability(soak(1000, 0), soak(1000, 0))[0]["verdict"] == "same");
  CHECK(compared_stability(soak(1000, 0, 100, 4), soak(1000, 0))[0]["stabler"] == "B");
}

TEST_CASE("phases of two soaks have B's time over A's, with a verdict about B") {
  const Json phases = compared_stability(soak(1000, 0, 100), soak(1000, 0, 130))[0]["phases"];
  REQUIRE(phases.size() == 2);
  CHECK(phases[0]["phase"] == "map");
  CHECK(phases[0]["a_p50_us"] == 100);
  CHECK(phases[0]["b_p50_us"] == 130);
  CHECK(phases[0]["ratio"].get<double>() == Approx(1.3));
  CHECK(phases[0]["verdict"] == "slower");
  CHECK(phases[1]["phase"] == "total");
}

TEST_CASE("the times of a phase that are shown are those that its ratio is of, whatever the medians are") {
  Json after = soak(1000, 0, 100);
  after["stability"][0]["phases"][0]["p50_us"] = 70;  // of all lifecycles; the parts did not become faster
  const auto lines = stability_lines(compared_stability(soak(1000, 0, 80), after));
  CHECK(std::ranges::any_of(lines, [](const auto& line) { return contains(line, "A us        B us     B/A"); }));
  CHECK(std::ranges::any_of(lines,
                            [](const auto& line) { return contains(line, "80.00") && contains(line, "   1.250"); }));
}

TEST_CASE("a report without lifecycles, or of a version without parts, is compared as far as it goes") {
  CHECK(compared_stability(gate_report(), soak(10, 0)).empty());
  CHECK(compared_stability(soak(0, 0), soak(10, 0)).empty());
  Json old = soak(300, 0);
  old["stability"][0].erase("total");
  old["stability"][0]["phases"][0].erase("parts_p50_us");
  const Json compared = compared_stability(old, soak(300, 0));
  REQUIRE(compared.size() == 1);
  CHECK(compared[0]["verdict"] == "same");
  CHECK(compared[0]["phases"].empty());
  CHECK(compared[0]["drift_a"].is_null());
}

TEST_CASE("every form of a comparison has the lifecycles") {
  Json drifting = soak(1000, 3, 130, 2);
  drifting["stability"][0]["drift"] = {{"verdict", "slower"}, {"ratio", 1.2}};
  const Json a = soak(1000, 0);
  const ReportComparison comparison = compare_reports(a, drifting, std::nullopt);
  const ComparedReports reports{a, drifting, "a.json", "b.json"};
  const auto text = comparison_text(comparison, reports);
  CHECK(contains(text, "Lifecycles of torch_symm_mem, trtllm_fusion\n  A: 0 of 1000 failed"));
  CHECK(contains(text, "B left 2 handles behind"));
  CHECK(contains(text, "B: operations became 1.200 times as long on the way"));
  CHECK(contains(text, "  1.300  slower"));
  CHECK(contains(comparison_markdown(comparison, reports), "## Lifecycles"));
  CHECK(comparison_json(comparison, reports).at("stability").size() == 1);
  Json undecided = comparison.stability;
  undecided[0]["phases"][0]["verdict"] = "ambiguous";
  const auto lines = stability_lines(undecided);
  CHECK(std::ranges::any_of(lines, [](const auto& line) { return contains(line, "  1.300  inconclusive"); }));
}
