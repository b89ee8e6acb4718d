#pragma once
#include <string>
#include <vector>

#include "gate/report_file.hpp"

namespace symmbench {

/// How a row of both reports ended in each, where it did not end alike.
struct OutcomeDifference {
  RowName name;
  std::string a_status, a_reason, b_status, b_reason;
};

/// Rows of both reports that did not end alike, in B's order.
std::vector<OutcomeDifference> outcome_differences(const Json& a, const Json& b);

/// Rows that ended alike in each report and for the same reasons together: how each ended, why, how many, and the first.
std::vector<std::string> outcome_lines(const std::vector<OutcomeDifference>& differences);

/// What each report came to: verdict, that it is not complete and why, and the first that its summary says. `title`: "A".
std::vector<std::string> verdict_lines(const std::string& title, const Json& report);

/// {status, exit_code, summary[], complete, interrupted_by} of a report, null where it does not say.
Json verdict_of_report(const Json& report);
Json to_json(const OutcomeDifference& difference);

}  // namespace symmbench
