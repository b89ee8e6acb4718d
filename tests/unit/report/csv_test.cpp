#include "report/csv.hpp"

#include <algorithm>

#include "check_schema.hpp"
#include "hostile_run.hpp"

using namespace symmbench;

namespace {

/// The cells of a CSV text as RFC 4180 has them.
std::vector<std::vector<std::string>> parse_csv(const std::string& text) {
  std::vector<std::vector<std::string>> lines{{""}};
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      if (quoted && i + 1 < text.size() && text[i + 1] == '"')
        lines.back().back() += text[++i];
      else
        quoted = !quoted;
    } else if (!quoted && text[i] == ',') {
      lines.back().emplace_back();
    } else if (!quoted && text[i] == '\n') {
      lines.push_back({""});
    } else {
      lines.back().back() += text[i];
    }
  }
  lines.pop_back();
  return lines;
}

std::string cell(const std::vector<std::vector<std::string>>& lines, std::size_t line, const std::string& column) {
  const auto at = std::find(lines[0].begin(), lines[0].end(), column);
  REQUIRE(at != lines[0].end());
  return lines.at(line).at(static_cast<std::size_t>(at - lines[0].begin()));
}

}  // namespace

TEST_CASE("a CSV has a column for every single value of a row, whatever the rows hold") {
  const auto columns = csv_columns();
  for (const char* column : {"case_id", "handle.asked", "handle.used", "dtype", "failure.rank", "time_us.mean",
                             "skew_us.p50", "busbw_gbs", "wrong_elements"}) {
    CAPTURE(column);
    CHECK(std::count(columns.begin(), columns.end(), column) == 1);
  }
  for (const char* column : {"attempts", "blame", "samples_us", "handle", "time_us", "failure"}) {
    CAPTURE(column);
    CHECK(std::count(columns.begin(), columns.end(), column) == 0);
  }
  const auto lines = parse_csv(results_csv(RunBuilder(0).report()));
  REQUIRE(lines.size() == 1);
  CHECK(lines[0] == columns);
}

TEST_CASE("a CSV gives back what the report's rows say, unknown as nothing") {
  const Json report = checked_report(hostile_run());
  const auto lines = parse_csv(results_csv(report));
  REQUIRE(lines.size() == 1 + report["results"].size());
  for (const auto& line : lines) CHECK(line.size() == lines[0].size());
  for (std::size_t i = 0; i < report["results"].size(); ++i) {
    const Json& row = report["results"][i];
    CHECK(cell(lines, i + 1, "case_id") == row["case_id"].get<std::string>());
    CHECK(cell(lines, i + 1, "allocator") == row["allocator"].get<std::string>());
    CHECK(cell(lines, i + 1, "in_place") == "false");
    CHECK(cell(lines, i + 1, "handle.used") == "posix_fd");
    CHECK(Json::parse(cell(lines, i + 1, "time_us.mean")) == row["time_us"]["mean"]);
    CHECK(cell(lines, i + 1, "busbw_gbs").empty());  // an emulated device claims none
  }
  CHECK(cell(lines, 1, "status") == "failed");
  CHECK(cell(lines, 1, "failure.rank") == "2");
  CHECK(cell(lines, 1, "failure.detail") == "<a b=\"1\">&amp;'\\,;\n[31m\xef\xbf\xbd\xef\xbf\xbd]]> \xc3\xa9");
  CHECK(cell(lines, 2, "failure.rank").empty());
}
