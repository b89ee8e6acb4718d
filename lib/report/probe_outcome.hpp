#pragma once
#include <string>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

/// Of a report with `probe`: how many trials, pairs and ranks did what they should, in one line.
std::string probe_counts(const Json& report);

/// Of a report with `probe`: lines that name the pairs of which one rank did not come back, with what became of it, and count
/// those that nobody looked at. Empty where no memory reached anybody.
std::vector<std::string> untold_pairs(const Json& report);

/// Lines for each group of several ranks of which a probe looked at no pair: the group, then why each handle type could not
/// be used there. Empty for a run, for groups of one rank, and for what nobody told of.
std::vector<std::string> untested_groups(const Json& report);

}  // namespace symmbench
