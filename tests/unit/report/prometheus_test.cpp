#include "report/prometheus.hpp"

#include <cmath>
#include <set>

#include "check_schema.hpp"
#include "core/text.hpp"
#include "hostile_run.hpp"
#include "support/contains.hpp"

using namespace symmbench;

namespace {

std::vector<std::string> values_of(const std::string& text, const std::string& metric) {
  std::vector<std::string> lines;
  for (const auto& line : split_list(text, '\n')) {
    if (line.starts_with(metric + "{") || line.starts_with(metric + " ")) lines.push_back(line);
  }
  return lines;
}

}  // namespace

TEST_CASE("a metric file has the verdict as one of six, the run's end and the build") {
  const auto text = prometheus_text(checked_report(RunBuilder(1).add_all_ok()));
  CHECK(values_of(text, "symmbench_verdict").size() == 6);
  CHECK(contains(text, "symmbench_verdict{device=\"host\",status=\"passed\"} 1\n"));
  CHECK(contains(text, "symmbench_verdict{device=\"host\",status=\"hung\"} 0\n"));
  CHECK(contains(text, "\nsymmbench_run_end_timestamp_seconds 1769903999\n"));
  CHECK(contains(text, "symmbench_build_info{version=\"0.1.0\",git=\"abc\",build=\"Release\"} 1\n"));
}

TEST_CASE("a run without an end has no time of it, and its verdict is not passed") {
  RunBuilder run(1);
  run.ended.reset();
  const auto text = prometheus_text(run.add_all_ok().report());
  CHECK(values_of(text, "symmbench_run_end_timestamp_seconds").empty());
  CHECK(contains(text, "status=\"no_verdict\"} 1\n"));
  CHECK(contains(text, "status=\"passed\"} 0\n"));
}

TEST_CASE("times are seconds, of rows that are ok, each with labels of its own") {
  const Json report = checked_report(hostile_run());
  const auto text = prometheus_text(report);
  const auto times = values_of(text, "symmbench_time_seconds");
  REQUIRE(times.size() == 3);  // the failed row has none
  std::set<std::string> labels;
  for (const auto& line : times) labels.insert(line.substr(0, line.find('}')));
  CHECK(labels.size() == times.size());
  const auto value_at = times[1].rfind(' ') + 1;
  CHECK(times[1].substr(0, value_at) ==
        "symmbench_time_seconds{device=\"host\",workspace=\"trtllm_fusion\",allocator=\"symm_device_memory\","
        "pattern=\"allreduce\",algorithm=\"one_shot\",dtype=\"bf16\",message_bytes=\"32768\",case_id=\"case-1\"} ");
  const double mean_us = RunBuilder::row(report, 1, kSymm)["time_us"]["mean"].get<double>();
  CHECK(std::abs(std::stod(times[1].substr(value_at)) / (mean_us / 1e6) - 1) < 1e-12);
}

TEST_CASE("bandwidth is bytes per second, and an emulated device claims none") {
  RunBuilder run(1);
  CHECK(values_of(prometheus_text(run.add_all_ok().report()), "symmbench_busbw_bytes_per_second").empty());
  run.started.device = {{"kind", "cuda"}, {"emulated", false}, {"asked", "cuda"}, {"reason", nullptr}};
  const Json report = checked_report(run);
  const auto lines = values_of(prometheus_text(report), "symmbench_busbw_bytes_per_second");
  REQUIRE(lines.size() == 2);
  const double value = std::stod(lines[0].substr(lines[0].rfind(' ')));
  CHECK(value == report["results"][0]["busbw_gbs"].get<double>() * 1e9);
}

TEST_CASE("hostile names stay within their label") {
  Json report = checked_report(RunBuilder(1).add_all_ok());
  report["results"][0]["case_id"] = kHostile;
  const auto times = values_of(prometheus_text(report), "symmbench_time_seconds");
  REQUIRE(times.size() == 2);
  CHECK(contains(times[0], "case_id=\"<a b=\\\"1\\\">&amp;'\\\\,;\\n[31m\xef\xbf\xbd\xef\xbf\xbd]]> \xc3\xa9\"} "));
}
