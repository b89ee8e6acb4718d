#include "page/report_page.hpp"

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <pugixml.hpp>

#include "core/document.hpp"
#include "gate/report_file.hpp"

using namespace symmbench;

namespace {

/// A golden report, as a run of that schema wrote it.
Json golden(const std::string& version) {
  const auto folder = std::filesystem::path(__FILE__).parent_path().parent_path() / "report" / "golden";
  return read_whole_report((folder / ("report-" + version + ".json")).string());
}

/// The page as a browser would read it.
pugi::xml_document parsed(const std::string& page) {
  constexpr std::string_view kDoctype = "<!DOCTYPE html>";
  REQUIRE(page.starts_with(kDoctype));
  pugi::xml_document document;
  const auto result = document.load_string(page.c_str() + kDoctype.size());
  CAPTURE(result.description(), result.offset);
  REQUIRE(result);
  return document;
}

std::string all_text(const pugi::xml_node& node) {
  std::string text = node.value();
  for (const auto& child : node.children()) text += all_text(child) + " ";
  return text;
}

std::size_t count_of(const pugi::xml_document& page, const char* path) { return page.select_nodes(path).size(); }

}  // namespace

TEST_CASE("a page begins with the verdict and its summary, and says what the figures are worth") {
  const Json report = golden("1.5.0");
  const auto page = parsed(report_page({report, "r.json"}, std::nullopt));
  CHECK(std::string_view(page.select_node("//p[starts-with(@class, 'verdict')]").node().attribute("class").value()) ==
        "verdict " + report.at("verdict").at("status").get<std::string>());
  const auto text = all_text(page);
  for (const Json& line : report.at("verdict").at("summary")) {
    CAPTURE(line);
    CHECK(text.find(line.get<std::string>()) != std::string::npos);
  }
  const bool emulated = report.at("device").at("emulated") == true;
  CHECK((text.find("times say nothing about hardware") != std::string::npos) == emulated);
}

TEST_CASE("every row is on the page once: with its time, or with the reason why it has none") {
  const Json report = golden("1.5.0");
  const auto page = parsed(report_page({report, "r.json"}, std::nullopt));
  std::size_t timed = 0;
  for (const Json& row : report.at("results")) {
    if (row.at("time_us").is_object() && row.at("time_us").at("mean").is_number()) ++timed;
  }
  REQUIRE(timed > 0);
  CHECK(count_of(page, "//table[thead/tr/th[.='samples']]/tbody/tr") == timed);
  const auto text = all_text(page);
  for (const Json& row : report.at("results")) {
    if (row.at("status") == "ok") continue;
    CAPTURE(row.at("case_id"));
    CHECK(text.find(row.at("case_id").get<std::string>()) != std::string::npos);
  }
}

TEST_CASE("a series of several sizes has a chart with a curve for each allocator, and one of a single size has none") {
  Json report = golden("1.5.0");
  Json rows = Json::array();
  for (const char* allocator : {"symm_device_memory", "torch_symm_mem"}) {
    for (const int tokens : {1, 2, 4}) {
      Json row = report.at("results").at(0);
      row["allocator"] = allocator;
      row["tokens"] = tokens;
      row["message_bytes"] = 16384 * tokens;
      rows.push_back(std::move(row));
    }
  }
  Json alone = rows.front();
  alone["pattern"] = "residual_rmsnorm";
  rows.push_back(std::move(alone));
  report["results"] = std::move(rows);
  const auto page = parsed(report_page({report, "r.json"}, std::nullopt));
  CHECK(count_of(page, "//svg") == 1);
  CHECK(count_of(page, "//svg/circle") == 6);
}

TEST_CASE("a page needs nothing but itself") {
  const Json report = golden("1.5.0");
  const auto page = report_page({report, "r.json"}, std::nullopt);
  for (const char* word : {"http://", "https://", "<script", "<link", "@import", "url("}) {
    CAPTURE(word);
    CHECK(page.find(word) == std::string::npos);
  }
}

TEST_CASE("names that look like markup are text") {
  Json report = golden("1.5.0");
  report["ranks"][0]["host"] = "<script>alert('x')</script>\x01&\xff";
  const auto page = report_page({report, "<b>.json"}, std::nullopt);
  CHECK(page.find("<script") == std::string::npos);
  CHECK(page.find("<b>") == std::string::npos);
  CHECK(all_text(parsed(page)).find("<script>alert('x')</script>&") != std::string::npos);
}

TEST_CASE("reports of older schemas have pages, too") {
  for (const char* version : {"1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"}) {
    CAPTURE(version);
    const Json report = golden(version);
    const auto page = parsed(report_page({report, "old.json"}, std::nullopt));
    CHECK(count_of(page, "//td[.='symm_device_memory']") > 0);
  }
}

TEST_CASE("a probe of a schema whose table this version cannot make has a page all the same") {
  Json report = golden("1.5.0");
  report["probe"] = {{"pairs", Json::array()}};
  const auto text = all_text(parsed(report_page({report, "probe.json"}, std::nullopt)));
  CHECK(text.find("not shown, it is of an older schema") != std::string::npos);
}

TEST_CASE("a report held against itself has no difference, against another one the differences come first") {
  const Json report = golden("1.5.0");
  Json other = report;
  other["run"]["config"]["iters"] = 7777;
  const auto same = all_text(parsed(report_page({report, "a.json"}, NamedReport{report, "b.json"})));
  CHECK(same.find("Nothing.") != std::string::npos);
  const auto text = all_text(parsed(report_page({report, "a.json"}, NamedReport{other, "b.json"})));
  const auto difference = text.find("7777"), times = text.find("Times of B over A");
  REQUIRE(difference != std::string::npos);
  CHECK(difference < times);
}

TEST_CASE("a report of nothing is a page, too") {
  const Json report = parse_document(R"({"schema_version": "1.5.0", "results": []})", "nothing").value;
  const auto page = parsed(report_page({report, "empty.json"}, std::nullopt));
  CHECK(count_of(page, "//svg") == 0);
  CHECK(all_text(page).find("no verdict (exit code 3)") != std::string::npos);
}
