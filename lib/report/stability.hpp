#pragma once
#include <string>

#include "report/outcome.hpp"

namespace symmbench {

/// stability[]: one entry per (workspace, transport, allocator, handle asked) of the plan, over all groups of ranks.
/// `results` are the folded rows (jitter and hangs come from them).
Json fold_stability(const RecordSet& records, const Outcomes& outcomes, const Json& results);

/// Whether an entry has all the lifecycles that were asked for, by number and by time. Of reports of any version.
bool ran_as_planned(const Json& entry);
/// "2 of 3", "4 in 1.5 of 60 s".
std::string lifecycles_that_ran(const Json& entry);

/// "mnnvl", or "mnnvl by multicast" where `entries`, of stability[] or of comparisons of these, have several transports.
std::string workspace_text(const Json& entries, const Json& entry);

/// run.incidents[]: failures outside any case that concern no allocator of the plan (a preflight that crashed).
Json fold_run_incidents(const RecordSet& records, const Outcomes& outcomes);

}  // namespace symmbench
