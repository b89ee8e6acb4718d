#pragma once
#include <string>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

/// What the lifecycles of two reports say about each other, for each workspace, transport, handle asked and allocator that
/// went through some in both: {allocator, workspace, transport, handle_asked, lifecycles_a, lifecycles_b, failed_a,
/// failed_b, failures_a{per_1000, low, high}, failures_b, leaks_a, leaks_b, drift_a, drift_b, phases[{phase, a_p50_us,
/// b_p50_us, ratio, ci_low, ci_high, verdict, reason}], verdict, stabler, reason}. Ratios are B over A, verdicts of phases
/// about B, `stabler` is "A" or "B"; drift as in stability[], null where a report does not have it.
Json compared_stability(const Json& a, const Json& b);

/// The same for a terminal.
std::vector<std::string> stability_lines(const Json& compared);

}  // namespace symmbench
