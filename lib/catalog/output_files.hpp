#pragma once
#include <cstdint>

#include "catalog/catalog.hpp"

namespace symmbench {

enum class OutputFileKind : std::uint8_t { report, tuning, csv, jsonl, junit, prometheus };

/// A file that a run can write. Each has an option that asks for it, made from its row where the option table has none
/// of its own: a file name, or nothing with --output-dir. How the file comes about stands in report/outputs.cpp.
struct OutputFileRow {
  OutputFileKind value;
  std::string_view name;       ///< as the console tells where it is: "report: r.json"
  std::string_view option;     ///< asks for it: a path that says where, or a switch, which takes the standard place
  std::string_view file_name;  ///< standard name, within --output-dir
  std::string_view about;
  std::string_view help = {};  ///< of its option, where the option table has none of its own
  bool in_output_dir = false;  ///< --output-dir alone asks for it
  bool now = true;
};

inline constexpr OutputFileRow kOutputFiles[] = {
    {OutputFileKind::report, "report", "report", "report.json", "the JSON report", {}, true},
    {OutputFileKind::tuning, "tuning", "tune", "tuning.json", "its tuning table"},
    {OutputFileKind::csv, "csv", "csv", "rows.csv", "results as CSV",
     "results[] of the report as CSV, a line per case and allocator; without FILE: rows.csv in --output-dir"},
    {OutputFileKind::jsonl, "jsonl", "jsonl", "rows.jsonl", "results as JSON lines",
     "results[] as JSON lines, written case by case as they finish; without FILE: rows.jsonl in --output-dir"},
    {OutputFileKind::junit, "junit", "junit", "junit.xml", "results as JUnit XML",
     "results and verdict as JUnit XML, for CI; without FILE: junit.xml in --output-dir"},
    {OutputFileKind::prometheus, "prometheus", "prometheus", "metrics.prom", "results as Prometheus metrics",
     "times, busbw and verdict as a Prometheus text file; without FILE: metrics.prom in --output-dir"},
};
static_assert(in_enum_order(kOutputFiles));

}  // namespace symmbench
