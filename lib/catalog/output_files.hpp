#pragma once
#include <cstdint>

#include "catalog/catalog.hpp"

namespace symmbench {

enum class OutputFileKind : std::uint8_t { report, tuning, csv, jsonl, junit, prometheus };

/// A file that a run can write. Each has an option that asks for it, made from its row where the option table has none
/// of its own; how the file comes about stands in report/outputs.cpp.
struct OutputFileRow {
  OutputFileKind value;
  std::string_view name;       ///< as the console tells where it is: "report: r.json"
  std::string_view option;     ///< asks for it: a path that says where, or a switch, which takes the standard place
  std::string_view file_name;  ///< standard name, within --output-dir
  std::string_view about;
  bool in_output_dir = false;  ///< --output-dir alone asks for it
  bool now = true;
};

inline constexpr OutputFileRow kOutputFiles[] = {
    {OutputFileKind::report, "report", "report", "report.json", "the JSON report", true},
    {OutputFileKind::tuning, "tuning", "tune", "tuning.json", "its table"},
    {OutputFileKind::csv, "csv", "csv", "results.csv", "results as CSV", false, false},
    {OutputFileKind::jsonl, "jsonl", "jsonl", "results.jsonl", "results as JSON lines", false, false},
    {OutputFileKind::junit, "junit", "junit", "results.xml", "results as JUnit XML", false, false},
    {OutputFileKind::prometheus, "prometheus", "prometheus", "results.prom", "results as a Prometheus text file", false,
     false},
};
static_assert(in_enum_order(kOutputFiles));

}  // namespace symmbench
