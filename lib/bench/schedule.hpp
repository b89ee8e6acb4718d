#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/batch_ring.hpp"
#include "plan/case.hpp"

namespace symmbench {

/// How the batches of a case are dealt to each of its allocators: in each placement of the workspaces, rounds of the
/// interleaved order, of which each gives two blocks.
struct Schedule {
  std::uint64_t rounds = 1, batches_per_block = 1;
  std::size_t placements = 1;       ///< that are measured in any case, where there is room for them
  std::size_t most_placements = 1;  ///< where those do not decide
};

/// What is known of a case before its first timed batch.
struct BatchBudget {
  double batch_us = 0;      ///< what a batch takes with all that is around it, as the warm-up had it
  double case_time_us = 0;  ///< cap of sampling per allocator, when there is no iteration count
  bool emulated = true;
};

/// How many times as many placements a case may get that the first ones do not decide.
inline constexpr std::size_t kMostPlacementsFactor = 3;

/// Of one allocator. Without an iteration count: rounds until the interval is narrow enough, each long enough to judge a
/// block by. With one: the more pairs of blocks the better the comparison, up to a few; what does not divide is rounded
/// up.
Schedule schedule_of(const Case& bench_case, const BatchShape& shape);

/// Of allocators that are compared, over `placements`, each of one round. With an iteration count its batches are dealt
/// to the placements, at least one to a block; further placements take as many more, and on the emulated device there
/// are none. Without one, blocks are as long as the time per case allows. @pre placements is at least 2
Schedule schedule_over(std::size_t placements, const Case& bench_case, const BatchShape& shape,
                       const BatchBudget& budget);

/// The order in which allocators take their blocks in a round: A-B-B-A, A-B-C-C-B-A; A-A for one. Indices; each
/// appears twice, so that a drift that is linear in time hits all alike.
std::vector<std::size_t> interleaved_order(std::size_t allocators);

}  // namespace symmbench
