#pragma once
#include <string>

#include "core/json.hpp"

namespace symmbench {

/// The tuning table (configs/schema/tuning.schema.json) that the rows of one report stand for: what `run --tune`
/// writes. Per ranks of a group, pattern and dtype; dtypes that agree, or the only one, become one entry for all.
///
/// Times are means, in the geometric mean over the series (allocator, handle, group, hidden, place) in which every
/// algorithm of a size passed. Algorithms that differ by less than kSameWithin (stats/comparison.hpp), or whose 95 %
/// intervals overlap, are tied: such a size takes what its nearest smaller neighbour took, else the nearest larger one
/// that is no tie, else the one that is fastest over all sizes. Two measured sizes with different winners meet halfway.
/// Above the largest size, one_shot says nothing more (it sends the most bytes); the others go on.
/// References are left out.
/// `family`: "host", "sm90", ... @throws Error{report, invalid_argument} when nothing was measured, or family is empty
Json tuning_table(const Json& report, const std::string& family);

/// Writes that table as write_report() does. @throws Error{report, invalid_argument} also for a run that is not
/// complete: it has not seen all sizes
void write_tuning(const std::string& path, const Json& report, const std::string& family);

}  // namespace symmbench
