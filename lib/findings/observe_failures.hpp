#pragma once
#include "findings/finding.hpp"

namespace symmbench {

/// Hits of a row that goes by calls, codes, reason, layer and detail: every failure that the report records anywhere (rows,
/// attempts, incidents, lifecycles, handle trials, a probe's descriptors and pairs) and that is all the row says, once per rank, call and code. Of a trial
/// it is no more than info where another handle type passed. Without a hit a report passes only when something ran in it
/// and, where the row names a call, such calls were made.
Observed observe_failures(const CheckRow& row, const Json& report);

/// The same of calls for a multicast object that said "out of memory": of full weight only where the rank's GPU is known to
/// have memory free.
Observed observe_multicast_room(const CheckRow& row, const Json& report);

}  // namespace symmbench
