#include "bench/schedule.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace symmbench;

namespace {

Schedule of_iterations(std::optional<std::uint64_t> iters, std::uint32_t per_batch) {
  Case bench_case;
  bench_case.iters = iters;
  return schedule_of(bench_case, {.iterations = per_batch, .buffers = per_batch});
}

}  // namespace

TEST_CASE("allocators take turns, whatever their number: A-A, A-B-B-A, A-B-C-C-B-A") {
  CHECK(interleaved_order(1) == std::vector<std::size_t>{0, 0});
  CHECK(interleaved_order(2) == std::vector<std::size_t>{0, 1, 1, 0});
  CHECK(interleaved_order(3) == std::vector<std::size_t>{0, 1, 2, 2, 1, 0});
  CHECK(interleaved_order(4) == std::vector<std::size_t>{0, 1, 2, 3, 3, 2, 1, 0});
}

TEST_CASE("the places of an allocator have the same mean as those of every other: a steady drift cancels") {
  for (std::size_t allocators = 1; allocators <= 8; ++allocators) {
    CAPTURE(allocators);
    std::vector<std::size_t> sum(allocators, 0), blocks(allocators, 0);
    const auto order = interleaved_order(allocators);
    for (std::size_t place = 0; place < order.size(); ++place) {
      sum[order[place]] += place;
      ++blocks[order[place]];
    }
    CHECK(sum == std::vector<std::size_t>(allocators, 2 * allocators - 1));
    CHECK(blocks == std::vector<std::size_t>(allocators, 2));
  }
}

TEST_CASE("a count of iterations is dealt to as many pairs of blocks as it fills, three at most, and rounded up") {
  const auto dealt = [](std::uint64_t iters) {
    const Schedule schedule = of_iterations(iters, 10);
    return std::pair{schedule.rounds, schedule.batches_per_block};
  };
  using Dealt = std::pair<std::uint64_t, std::uint64_t>;
  CHECK(dealt(1) == Dealt{1, 1});
  CHECK(dealt(20) == Dealt{1, 1});
  CHECK(dealt(40) == Dealt{2, 1});
  CHECK(dealt(60) == Dealt{3, 1});
  CHECK(dealt(100) == Dealt{3, 2});
  CHECK(dealt(1200) == Dealt{3, 20});
}

TEST_CASE("without a count, rounds go on until something else ends them, each long enough to judge a block by") {
  const Schedule schedule = of_iterations(std::nullopt, 10);
  CHECK(schedule.rounds > 1000);
  CHECK(schedule.batches_per_block == 5);
}

namespace {

Schedule over_placements(std::optional<std::uint64_t> iters, const BatchBudget& budget) {
  Case bench_case;
  bench_case.iters = iters;
  return schedule_over(8, bench_case, {.iterations = 10, .buffers = 10}, budget);
}

}  // namespace

TEST_CASE("a count of iterations is dealt to both blocks of every placement, at least a batch to each") {
  const BatchBudget budget{.batch_us = 100, .case_time_us = 250e3, .emulated = true};
  using Dealt = std::pair<std::uint64_t, std::uint64_t>;
  for (const auto& [iters, batches] : {Dealt{16, 1}, Dealt{160, 1}, Dealt{161, 2}, Dealt{15000, 94}}) {
    CAPTURE(iters);
    const Schedule schedule = over_placements(iters, budget);
    CHECK(schedule.rounds == 1);
    CHECK(schedule.placements == 8);
    CHECK(schedule.most_placements == 8);
    CHECK(schedule.batches_per_block == batches);
  }
}

TEST_CASE("what is not decided gets three times as many placements, on the emulated device only without a count") {
  CHECK(over_placements(160, {.emulated = false}).most_placements == 24);
  CHECK(over_placements(std::nullopt, {.emulated = true}).most_placements == 24);
}

TEST_CASE("without a count, blocks over placements are as long as the time of the case allows") {
  const auto batches = [](double batch_us) {
    return over_placements(std::nullopt, {.batch_us = batch_us, .case_time_us = 160e3}).batches_per_block;
  };
  CHECK(batches(100) == 5);
  CHECK(batches(4000) == 2);
  CHECK(batches(1e6) == 1);
}
