#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/batch_ring.hpp"
#include "plan/case.hpp"

namespace symmbench {

/// How the batches of a case are dealt to each of its allocators: a round of the interleaved order gives two blocks.
struct Schedule {
  std::uint64_t rounds = 1, batches_per_block = 1;
};

/// Without an iteration count: rounds until the interval is narrow enough, each long enough to judge a block by. With
/// one: the more pairs of blocks the better the comparison, up to a few; what does not divide is rounded up.
Schedule schedule_of(const Case& bench_case, const BatchShape& shape);

/// The order in which allocators take their blocks in a round: A-B-B-A, A-B-C-C-B-A; A-A for one. Indices; each
/// appears twice, so that a drift that is linear in time hits all alike.
std::vector<std::size_t> interleaved_order(std::size_t allocators);

}  // namespace symmbench
