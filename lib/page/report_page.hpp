#pragma once
#include <optional>
#include <string>

#include "core/json.hpp"

namespace symmbench {

/// A report and the name of its file.
struct NamedReport {
  const Json& report;
  std::string name;
};

/// A report as one HTML page that needs nothing else: no script, no font, no network. Verdict and summary first, then
/// findings, what did not pass, times with a chart for each series, comparisons of the allocators, lifecycles, ranks. With
/// `other`, what differs in their surroundings and its times over the report's come behind the summary.
std::string report_page(const NamedReport& report, const std::optional<NamedReport>& other);

}  // namespace symmbench
