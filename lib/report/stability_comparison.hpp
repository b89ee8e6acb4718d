#pragma once
#include "report/record_set.hpp"

namespace symmbench {

/// Failures below this many in 1000 lifecycles are what a comparison without any can show at best; it takes as many
/// lifecycles as that needs.
inline constexpr double kFewFailures_per_1000 = 13;

/// stability_comparison[]: one entry for each pair of allocators that went through lifecycles of the same workspace,
/// transport and handle type asked, the first one named beside each other one. `stability` is what fold_stability() made
/// of the same records.
///
///   stabler  A or B (`stabler` names it): only the other leaks, or fails more often than chance explains (Fisher, 5 %)
///   same     neither failed nor leaked, in enough lifecycles to show fewer than kFewFailures_per_1000 failures
///   unknown  anything else, with the reason
/// Phases are compared by judge_slowdowns(): lifecycles in blocks stand for its placements.
Json fold_stability_comparison(const RecordSet& records, const Json& stability);

}  // namespace symmbench
