#pragma once
#include <string>

#include "core/json.hpp"

namespace symmbench {

/// Failures below this many in 1000 lifecycles are what a comparison without any can show at best; it takes as many
/// lifecycles as that needs.
inline constexpr double kFewFailuresPer1000 = 13;

/// An entry of stability[], of a report of any version, and what messages call it.
struct NamedStability {
  const Json& entry;
  std::string name;
};

/// What lifecycles say about two of them, as an entry of stability_comparison[]; `allocator_a` and `stabler` are names.
Json compare_stability(const NamedStability& first, const NamedStability& second);

/// stability_comparison[]: one entry for each pair of allocators that went through lifecycles of the same workspace,
/// transport and handle type asked, the first one named beside each other one. `stability` is what fold_stability() made.
///
///   stabler  A or B (`stabler` names it): only the other leaks, or fails more often than chance explains (Fisher, 5 %)
///   same     neither failed nor leaked, in enough lifecycles to show fewer than kFewFailuresPer1000 failures
///   unknown  anything else, with the reason
/// Phases are compared by judge_slowdowns(): lifecycles in blocks stand for its placements.
Json fold_stability_comparison(const Json& stability);

}  // namespace symmbench
