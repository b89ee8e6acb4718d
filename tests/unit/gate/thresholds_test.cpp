#include "gate/thresholds.hpp"

#include <algorithm>
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

#include "gate_reports.hpp"
#include "report/schema_validation.hpp"
#include "support/contains.hpp"
#include "support/scratch_folder.hpp"

using namespace symmbench;

namespace {

Json made_of(const std::vector<GoodReport>& reports, double margin = 5) {
  return make_thresholds(reports, margin, {{"version", "0.1.0"}}, "2026-02-01T00:00:00.000Z").file;
}

std::string objection_to(const std::vector<GoodReport>& reports) {
  try {
    (void)made_of(reports);
    return "";
  } catch (const Error& error) {
    CHECK(error.failure().layer == Layer::config);
    return error.failure().detail;
  }
}

std::string objection_to_file(const Json& file) {
  const ScratchFolder folder;
  write_text(folder / "t.json", file.dump());
  try {
    (void)read_thresholds(folder / "t.json");
    return "";
  } catch (const Error& error) {
    return error.failure().detail;
  }
}

/// A row of 4 MiB with a bandwidth.
Json large_row(double time_us, double busbw_gbs) {
  Json row = gate_row(4096, "torch_symm_mem", time_us);
  row["busbw_gbs"] = busbw_gbs;
  return row;
}

}  // namespace

TEST_CASE("a limit is the slowest of the good reports and the margin, and says what it was made of") {
  const Json file = made_of({{"a.json", gate_report_of(1)}, {"b.json", gate_report_of(1.1)}}, 10);
  CHECK(validate(file, schema_text("thresholds")).empty());
  CHECK(file.at("thresholds").size() == 8);
  const Json& limit = file.at("thresholds")[1];
  CHECK(limit.at("allocator") == "torch_symm_mem");
  CHECK(limit.at("unit") == "us");
  CHECK(limit.at("ranks") == 2);
  CHECK(limit.at("limit").get<double>() == Catch::Approx(11 * 1.1 * 1.1));
  REQUIRE(limit.at("origin").size() == 2);
  CHECK(limit.at("origin")[1].at("report") == "b.json");
  CHECK(limit.at("origin")[1].at("started_at") == "2026-01-31T23:59:59.000Z");
  CHECK(limit.at("origin")[1].at("time_us").get<double>() == Catch::Approx(12.1));
  CHECK(limit.at("origin")[1].at("placements") == 8);
  CHECK(file.at("machine").at("gpu_model") == "NVIDIA H200");
}

TEST_CASE("from 1 MiB on a limit is a bandwidth, where every report has one") {
  Json a = gate_report(), b = gate_report();
  a["results"].push_back(large_row(20, 200));
  b["results"].push_back(large_row(25, 160));
  const Json both = made_of({{"a.json", a}, {"b.json", b}}).at("thresholds")[0];
  CHECK(both.at("unit") == "gbs");
  CHECK(both.at("limit").get<double>() == Catch::Approx(160 / 1.05));
  b["results"][0]["busbw_gbs"] = nullptr;
  CHECK(made_of({{"a.json", a}, {"b.json", b}}).at("thresholds")[0].at("unit") == "us");
}

TEST_CASE("what was made is read back: as times, whatever the unit") {
  Json report = gate_report_of(1);
  report["results"].push_back(large_row(20, 200));
  const ScratchFolder folder;
  write_text(folder / "t.json", made_of({{"a.json", report}}, 25).dump());
  const auto thresholds = read_thresholds(folder / "t.json");
  REQUIRE(thresholds.limits.size() == 9);
  CHECK(thresholds.machine.at("device_kind") == "cuda");
  for (const auto& limit : thresholds.limits) CHECK(limit.limit_us / limit.reference_us == Catch::Approx(1.25));
  CHECK(thresholds.limits.back().unit == "gbs");
  CHECK(thresholds.limits.back().limit == Catch::Approx(160));
}

TEST_CASE("rows that cannot be judged make no limit, and are named") {
  Json report = gate_report_of(1);
  report["results"].push_back(gate_row(64, "torch_symm_mem", 5, 4));
  report["results"][0]["status"] = "skipped";
  report["results"][0]["reason"] = "no room";
  const auto made = make_thresholds({{"a.json", report}}, 5, Json::object(), "");
  CHECK(made.file.at("thresholds").size() == 7);
  REQUIRE(made.left_out.size() == 2);
  CHECK(contains(made.left_out[0], "'a.json': g0x2/"));
  CHECK(contains(made.left_out[0], "skipped: no room"));
  CHECK(contains(made.left_out[1], "4 placements, 6 are needed"));
}

TEST_CASE("reports that are unfit, or of another machine than the first, make no limits") {
  const Json good = gate_report_of(1);
  Json bad = good;
  bad["run"]["injected"] = {"leak"};
  CHECK(objection_to({{"a.json", good}, {"b.json", bad}}) == "'b.json': has injected faults (leak)");
  bad = good;
  bad["ranks"][0]["gpu_name"] = "NVIDIA B200";
  CHECK(contains(objection_to({{"a.json", good}, {"b.json", bad}}),
                 "gpu_model: NVIDIA H200 and NVIDIA B200, NVIDIA H200"));
  bad = gate_report();
  bad["results"].push_back(gate_row(1, "torch_symm_mem", 5, 2));
  CHECK(contains(objection_to({{"a.json", bad}}),
                 "no row has placements and samples enough for a limit: 'a.json': g0x2/"));
}

TEST_CASE("a damaged threshold file is refused with the place of the damage") {
  const Json good = made_of({{"a.json", gate_report_of(1)}});
  CHECK(objection_to_file(good) == "");
  Json bad = good;
  bad["schema_version"] = "2.0.0";
  CHECK(contains(objection_to_file(bad), "thresholds of schema 2.0.0, and this program reads 1.0.0"));
  bad = good;
  bad["thresholds"][3]["limit"] = -1;
  CHECK(contains(objection_to_file(bad), "/thresholds/3/limit"));
  bad = good;
  bad["thresholds"][2] = bad["thresholds"][1];
  CHECK(contains(objection_to_file(bad), "is there twice"));
  bad = good;
  bad["thresholds"][0]["unit"] = "gbs";
  CHECK(contains(objection_to_file(bad), "/thresholds/0/origin/0/busbw_gbs"));
  CHECK(contains(objection_to_file(gate_report_of(1)), "not a threshold file"));
}
