#pragma once
#include <cstddef>
#include <map>
#include <span>

namespace symmbench {

/// The variance of a case, and which series it is of.
struct SeriesVariance {
  std::size_t series = 0;
  double variance = 0;
};

/// By series: the median of the variances of its cases, as a floor for each of them, for a handful of placements may agree
/// by chance. Series of fewer than three cases have no variance in common to speak of, and are left out.
std::map<std::size_t, double> common_variances(std::span<const SeriesVariance> cases);

}  // namespace symmbench
