#pragma once
#include <vector>

#include "report/outcome.hpp"

namespace symmbench {

/// crossover[]: for each series of sizes (same workspace, allocator, handle, group, pattern, dtype, place, pdl, buffers
/// asked; of fused patterns same hidden) of which more than one algorithm ran some: the fastest algorithm per size with
/// its mean time, the runner-up, what is tied with the fastest because nothing decides between them, where that
/// changes, and what `auto` takes there with what that loses. Rows that did not pass count as not measured. Rows of a
/// reference, whose buffers are its own, stand as a peer in every series that ran their size. `planned_rows` are the
/// plan's, one beside each of `results`.
Json fold_crossover(const Outcomes& outcomes, const std::vector<Json>& planned_rows, const Json& results);

}  // namespace symmbench
