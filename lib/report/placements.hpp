#pragma once
#include <map>
#include <optional>
#include <vector>

#include "journal/records.hpp"

namespace symmbench {

/// The sample blocks of a row by the placement of the workspace that they were measured in, each list in the order in
/// which its blocks ran.
std::map<int, std::vector<std::vector<double>>> blocks_by_placement(const RowRecord& row);

/// Mean time of each placement, in us, by placement. Placements without a sample are left out.
std::map<int, double> placement_means_us(const RowRecord& row);

/// Slowest placement over fastest, minus 1; nullopt below two placements.
std::optional<double> placement_spread(const RowRecord& row);

}  // namespace symmbench
