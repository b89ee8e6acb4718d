#pragma once
#include "report/outcome.hpp"

namespace symmbench {

/// stability[]: one entry per (workspace, transport, allocator, handle asked) of the plan, over all groups of ranks.
/// `results` are the folded rows (jitter and hangs come from them).
Json fold_stability(const RecordSet& records, const Outcomes& outcomes, const Json& results);

/// run.incidents[]: failures outside any case that concern no allocator of the plan (a preflight that crashed).
Json fold_run_incidents(const RecordSet& records, const Outcomes& outcomes);

}  // namespace symmbench
