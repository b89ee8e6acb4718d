#include "bench/schedule.hpp"

#include <algorithm>
#include <numeric>

#include "core/round.hpp"

namespace symmbench {

namespace {
constexpr std::uint64_t kBatchesPerBlock = 5;
}  // namespace

Schedule schedule_of(const Case& bench_case, const BatchShape& shape) {
  constexpr std::uint64_t kRounds = 3, kNoLimit = 1'000'000;
  if (!bench_case.iters) return {kNoLimit, kBatchesPerBlock};
  const std::uint64_t batches = ceil_div(*bench_case.iters, shape.iterations);
  const std::uint64_t rounds = std::clamp<std::uint64_t>(batches / 2, 1, kRounds);
  return {rounds, ceil_div(batches, 2 * rounds)};
}

Schedule schedule_over(std::size_t placements, const Case& bench_case, const BatchShape& shape,
                       const BatchBudget& budget) {
  Schedule schedule{.placements = placements, .most_placements = placements * kMostPlacementsFactor};
  if (bench_case.iters) {
    schedule.batches_per_block = ceil_div(ceil_div(*bench_case.iters, shape.iterations), 2 * placements);
    if (budget.emulated) schedule.most_placements = placements;
    return schedule;
  }
  const double block_us = budget.case_time_us / static_cast<double>(2 * placements);
  const double fitting = budget.batch_us > 0 ? block_us / budget.batch_us : 1;
  schedule.batches_per_block =
      static_cast<std::uint64_t>(std::clamp(fitting, 1.0, static_cast<double>(kBatchesPerBlock)));
  return schedule;
}

std::vector<std::size_t> interleaved_order(std::size_t allocators) {
  const auto half = static_cast<std::ptrdiff_t>(allocators);
  std::vector<std::size_t> order(allocators * 2);
  std::iota(order.begin(), order.begin() + half, std::size_t{0});
  std::reverse_copy(order.begin(), order.begin() + half, order.begin() + half);
  return order;
}

}  // namespace symmbench
