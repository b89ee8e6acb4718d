#include "bench/schedule.hpp"

#include <algorithm>
#include <numeric>

#include "core/round.hpp"

namespace symmbench {

Schedule schedule_of(const Case& bench_case, const BatchShape& shape) {
  constexpr std::uint64_t kBatchesPerBlock = 5, kRounds = 3, kNoLimit = 1'000'000;
  if (!bench_case.iters) return {kNoLimit, kBatchesPerBlock};
  const std::uint64_t batches = ceil_div(*bench_case.iters, shape.iterations);
  const std::uint64_t rounds = std::clamp<std::uint64_t>(batches / 2, 1, kRounds);
  return {rounds, ceil_div(batches, 2 * rounds)};
}

std::vector<std::size_t> interleaved_order(std::size_t allocators) {
  const auto half = static_cast<std::ptrdiff_t>(allocators);
  std::vector<std::size_t> order(allocators * 2);
  std::iota(order.begin(), order.begin() + half, std::size_t{0});
  std::reverse_copy(order.begin(), order.begin() + half, order.begin() + half);
  return order;
}

}  // namespace symmbench
