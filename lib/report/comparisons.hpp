#pragma once
#include "report/outcome.hpp"

namespace symmbench {

/// comparison[]: one entry per case and pair of allocators that both passed in the same attempt, so that their blocks
/// were interleaved (stats/comparison.hpp). `ratio` is the time of allocators[0] over that of allocators[1]; the
/// verdict speaks of allocators[0].
Json fold_comparison(const RecordSet& records, const Outcomes& outcomes, const Json& results);

}  // namespace symmbench
