#pragma once
#include <span>

#include "report/outcome.hpp"

namespace symmbench {

/// comparison[]: of the allocators that passed a case in the same attempt, so that their blocks were interleaved
/// (stats/comparison.hpp), each against the first of them in the order of the plan. `ratio` is the time of
/// allocators[0], the first, over that of allocators[1]; the pair verdict is about allocators[0]. `results` has a row
/// for each of `planned_rows`.
Json fold_comparison(const Outcomes& outcomes, std::span<const Json> planned_rows, const Json& results);

}  // namespace symmbench
