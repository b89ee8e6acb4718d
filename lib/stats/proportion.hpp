#pragma once
#include <cstdint>

#include "stats/statistics.hpp"

namespace symmbench {

/// So many of so many tries.
struct Proportion {
  std::uint64_t hits = 0, tries = 0;
};

/// 95 % interval of the chance that one try is a hit (Wilson's score): true to its level for few hits, and for none.
/// @pre tries > 0 and hits <= tries
Interval chance_interval(const Proportion& seen);

/// The chance that two proportions differ as much as these, or more, although both have the same chance (Fisher's exact
/// test, two-sided). 1 where one of them has no tries.
double equal_chances(const Proportion& a, const Proportion& b);

}  // namespace symmbench
