#pragma once
#include <map>
#include <span>
#include <string>

#include "report/outcome.hpp"

namespace symmbench {

/// comparison[]: of the allocators that passed a case in the same attempt, so that their blocks were interleaved
/// (stats/comparison.hpp), each against the first of them in the order of the plan. `ratio` is the time of
/// allocator_a, the first, over that of allocator_b; the pair verdict is about allocator_a. Judged together are the
/// comparisons of one workspace, handle, group and pattern; series are those that differ in size only. `results` has a
/// row for each of `planned_rows`.
Json fold_comparison(const Outcomes& outcomes, std::span<const Json> planned_rows, const Json& results);

/// How many comparisons are judged together, by what they have in common.
using FamilySizes = std::map<std::string, std::size_t>;
FamilySizes family_sizes(std::span<const Json> plan);

/// The same for a part of the plan while the rest is still running: each by itself, among as many as the plan has. What
/// is decided here may still turn ambiguous, and the other way round, when its series and family are known.
Json early_comparison(const Outcomes& outcomes, std::span<const Json> planned_rows, const Json& results,
                      const FamilySizes& sizes);

}  // namespace symmbench
