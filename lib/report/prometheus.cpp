#include "report/prometheus.hpp"

#include <fmt/format.h>

#include <ctime>
#include <map>
#include <optional>
#include <utility>

#include "findings/findings.hpp"
#include "report/clean_text.hpp"
#include "report/pick.hpp"

namespace symmbench {
namespace {

constexpr const char* kStatuses[] = {"passed", "failed", "hung", "interrupted", "no_verdict", "skipped"};

using Labels = std::vector<std::pair<std::string_view, std::string>>;

std::string escaped(const std::string& text) {
  std::string value;
  for (const char c : clean_text(text)) {
    if (c == '\\' || c == '"') value += '\\';
    value += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return value;
}

/// One metric: its head, then a line for each value.
class Metric {
 public:
  Metric(std::string_view name, std::string_view help)
      : name_(name), text_(fmt::format("# HELP {} {}\n# TYPE {} gauge\n", name, help, name)) {}

  void add(const Labels& labels, double value) {
    std::string list;
    for (const auto& [label, content] : labels) {
      list += fmt::format("{}{}=\"{}\"", list.empty() ? "" : ",", label, escaped(content));
    }
    text_ += fmt::format("{}{} {}\n", name_, list.empty() ? "" : "{" + list + "}", value);
    any_ = true;
  }

  /// Empty without a value.
  std::string text() const { return any_ ? text_ : ""; }

 private:
  std::string_view name_;
  std::string text_;
  bool any_ = false;
};

Labels labels_of(const std::string& device, const Json& row) {
  Labels labels{{"device", device}};
  for (const char* key : {"workspace", "allocator", "pattern", "algorithm", "dtype"}) {
    labels.emplace_back(key, text_or(row, key));
  }
  const Json bytes = pick_integer(row, "message_bytes");
  labels.emplace_back("message_bytes", bytes.is_null() ? "" : bytes.dump());
  labels.emplace_back("case_id", text_or(row, "case_id"));
  return labels;
}

/// Of RFC 3339 in UTC.
std::optional<double> unix_seconds(const std::string& timestamp) {
  std::tm time{};
  const char* rest = ::strptime(timestamp.c_str(), "%Y-%m-%dT%H:%M:%S", &time);
  if (rest == nullptr) return std::nullopt;
  const double fraction = *rest == '.' ? std::strtod(rest, nullptr) : 0;
  return static_cast<double>(::timegm(&time)) + fraction;
}

}  // namespace

std::string prometheus_text(const Json& report) {
  const std::string device = text_or(report.at("device"), "kind", "unknown");
  Metric time("symmbench_time_seconds", "Mean time of one iteration, the slowest rank of each batch.");
  Metric busbw("symmbench_busbw_bytes_per_second", "Bus bandwidth: bytes / time * 2(n-1)/n.");
  for (const Json& row : report.at("results")) {
    if (row.at("status") != "ok") continue;
    const Labels labels = labels_of(device, row);
    if (const Json mean = pick_number(row.at("time_us"), "mean"); !mean.is_null()) {
      time.add(labels, mean.get<double>() / 1e6);
    }
    if (const Json gbs = pick_number(row, "busbw_gbs"); !gbs.is_null()) busbw.add(labels, gbs.get<double>() * 1e9);
  }
  Metric verdict("symmbench_verdict", "1 for the status that the run came to, 0 for the others.");
  for (const char* status : kStatuses) {
    verdict.add({{"device", device}, {"status", status}}, report.at("verdict").at("status") == status ? 1 : 0);
  }
  std::map<std::pair<std::string, std::string>, int> counts;
  for (const Json* finding : findings_from(report, Severity::info)) {
    ++counts[{text_or(*finding, "check_id"), text_or(*finding, "severity")}];
  }
  Metric findings("symmbench_findings",
                  "What was concluded, by check and severity; checks that found nothing are absent.");
  for (const auto& [what, count] : counts) {
    findings.add({{"device", device}, {"check", what.first}, {"severity", what.second}}, count);
  }
  Metric end("symmbench_run_end_timestamp_seconds", "When the run ended, Unix time.");
  if (const auto seconds = unix_seconds(text_or(report.at("run"), "ended_at"))) end.add({}, *seconds);
  Metric build("symmbench_build_info", "The program that ran.");
  const Json& tool = report.at("tool");
  build.add({{"version", text_or(tool, "version")}, {"git", text_or(tool, "git")}, {"build", text_or(tool, "build")}},
            1);
  return time.text() + busbw.text() + verdict.text() + findings.text() + end.text() + build.text();
}

}  // namespace symmbench
