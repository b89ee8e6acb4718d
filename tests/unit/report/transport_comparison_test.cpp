#include "report/transport_comparison.hpp"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <catch2/matchers/catch_matchers_vector.hpp>

#include "check_schema.hpp"
#include "report/decisions.hpp"

using namespace symmbench;
using Catch::Approx;

namespace {

/// Two sizes by each transport: cases 0 and 1 by unicast, 2 and 3 the same by multicast, whose workspace is larger.
RunBuilder two_transports() {
  RunBuilder run(4, {kSymm});
  for (std::size_t i = 0; i < 4; ++i) {
    Json row = RunBuilder::planned(static_cast<int>(i % 2), kSymm);
    row["case_id"] = RunBuilder::case_id(static_cast<int>(i));
    row["workspace"] = "mnnvl";
    row["transport"] = i < 2 ? "unicast" : "multicast";
    row["multicast_asked"] = i < 2 ? "off" : "on";
    row["capacity_bytes"] = i < 2 ? 65536 : 131072;
    run.started.planned_rows[i] = row;
  }
  return run;
}

RunBuilder measured(double unicast_us, double multicast_us, int placements = 6) {
  RunBuilder run = two_transports();
  for (int i = 0; i < 4; ++i) run.add(run.ok(i, kSymm, i < 2 ? unicast_us : multicast_us, 5, placements));
  return run;
}

}  // namespace

TEST_CASE("rows that differ in their transport alone are compared, with a verdict about unicast") {
  const Json report = checked_report(measured(10, 5));
  const Json& entries = report.at("transport_comparison");
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].at("case_a") == "case-0");
  CHECK(entries[0].at("case_b") == "case-2");
  CHECK(entries[0].at("transport_a") == "unicast");
  CHECK(entries[0].at("transport_b") == "multicast");
  CHECK(entries[0].at("ratio").get<double>() == Approx(2).epsilon(0.01));
  CHECK(entries[0].at("verdict") == "slower");
  CHECK(checked_report(measured(10, 10)).at("transport_comparison")[0].at("verdict") == "same");
  CHECK(checked_report(measured(10, 20)).at("transport_comparison")[1].at("verdict") == "faster");
  CHECK_THAT(
      decision_lines(report),
      Catch::Matchers::Equals(std::vector<std::string>{
          "mnnvl, symm_device_memory: time of unicast / time of multicast: 2.000 in the geometric mean of 2 cases "
          "(2 slower)",
          "  allreduce bf16 one_shot 16 KiB: slower, 2.000 (1.999 to 2.001)",
          "  allreduce bf16 one_shot 32 KiB: slower, 2.000 (1.999 to 2.001)"}));
}

TEST_CASE("too few placements decide nothing between transports, and it is said how many would") {
  const Json report = checked_report(measured(10, 5, 1));
  REQUIRE(report.at("transport_comparison").size() == 2);
  CHECK(report.at("transport_comparison")[0].at("verdict") == "ambiguous");
  const auto lines = decision_lines(report);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "mnnvl, symm_device_memory: unicast against multicast: not decided (2 inconclusive)");
  CHECK_THAT(lines[1], Catch::Matchers::ContainsSubstring("--placements"));
}

TEST_CASE("where ranks of the emulated device shared cores, transports that ran one after the other are not judged") {
  RunBuilder run = measured(10, 5);
  run.started.run["deadlines"] = {{"hosts", {{{"host", "n1"}, {"ranks", 4}, {"cores", 2}, {"widened_by", 2}}}}};
  const Json report = checked_report(run);
  CHECK(report.at("transport_comparison")[0].at("verdict") == "ambiguous");
  CHECK_THAT(decision_lines(report),
             Catch::Matchers::Equals(std::vector<std::string>{
                 "mnnvl, symm_device_memory: unicast against multicast: not decided (2 inconclusive)",
                 "  2 inconclusive: transports ran one after the other, and n1 has fewer free cores than ranks of the "
                 "emulated device"}));
  run.started.device["emulated"] = false;
  CHECK(run.report().at("transport_comparison")[0].at("verdict") == "slower");
}

TEST_CASE("only what passed by both transports with the same parameters is compared") {
  RunBuilder run = two_transports();
  for (int i = 0; i < 3; ++i) run.add(run.ok(i, kSymm));
  run.started.planned_rows[3]["skip"] = "multicast is vetoed";
  CHECK(checked_report(run).at("transport_comparison").size() == 1);
  run.started.planned_rows[2]["weight_bias"] = 1.0;
  CHECK(checked_report(run).at("transport_comparison").empty());
  RunBuilder one(2, {kSymm});
  one.add_all_ok();
  CHECK(checked_report(one).at("transport_comparison").empty());
}
