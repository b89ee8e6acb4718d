#pragma once
#include <string>

#include "gate/compare_reports.hpp"

namespace symmbench {

/// The two reports of a comparison, by the names of their files.
struct ComparedReports {
  const Json& a;
  const Json& b;
  std::string a_name, b_name;
};

/// For a terminal: environment first, then both verdicts, a line per case, what ended otherwise or is in one report only,
/// what it comes to. At most 100
/// columns wide as far as names allow.
std::string comparison_text(const ReportComparison& comparison, const ComparedReports& reports);
/// The same as a page of Markdown.
std::string comparison_markdown(const ReportComparison& comparison, const ComparedReports& reports);
/// The same as one object: a, b (each with its verdict), environment[], outcomes[] (rows that ended otherwise), cases[] (flat), stability[]
/// (compared_stability()), only_in_a[], only_in_b[], not_compared[], summary, gate
/// (null without --max-regress).
Json comparison_json(const ReportComparison& comparison, const ComparedReports& reports);

}  // namespace symmbench
