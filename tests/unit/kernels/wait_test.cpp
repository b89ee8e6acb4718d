#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "support/flat_ranks.hpp"

using namespace symmbench;
using namespace symmbench::test;

namespace {

CallShape shape_of(Algorithm algorithm, Pattern pattern = Pattern::allreduce) {
  return {
      .algorithm = algorithm, .pattern = pattern, .dtype = DType::bf16, .world_size = 4, .tokens = 8, .hidden = 256};
}

}  // namespace

TEST_CASE("Ranks that are early wait for one that comes late") {
  const auto algorithm = GENERATE(Algorithm::one_shot, Algorithm::two_shot, Algorithm::two_shot_barrier);
  const CallShape shape = shape_of(algorithm);
  FlatRanks ranks(layout_for(shape));
  std::atomic<int> started{0};
  const Launch late = [&](FlatRanks& all, int rank, const AllreduceCall& call) {
    // Rank 2 begins only when every other rank has begun this call.
    if (rank == 2) {
      all.stream(rank).launch(1, [&started](std::uint32_t) {
        while (started.load() < 3) sched_yield();
        started = 0;
      });
    } else {
      all.stream(rank).launch(1, [&started](std::uint32_t) { ++started; });
    }
    launch_as_shipped(all, rank, call);
  };
  CHECK(all_right(run_and_check(ranks, shape, InputKind::exact, 1, 0, late), shape, 1));
}

TEST_CASE("A wait for a missing rank ends, names it and leaves the poison") {
  const auto algorithm = GENERATE(Algorithm::one_shot, Algorithm::two_shot, Algorithm::two_shot_barrier);
  const auto pattern = GENERATE(Pattern::allreduce, Pattern::residual_rmsnorm);
  const CallShape shape = shape_of(algorithm, pattern);
  FlatRanks ranks(layout_for(shape), std::chrono::seconds(2));
  const Launch without_rank_2 = [](FlatRanks& all, int rank, const AllreduceCall& call) {
    if (rank != 2) launch_as_shipped(all, rank, call);
  };
  const auto reports = run_and_check(ranks, shape, InputKind::exact, 2, 0, without_rank_2);
  for (const int rank : {0, 1, 3}) {
    const GiveUpRecord& record = ranks.give_up(rank);
    INFO("rank " << rank);
    CHECK(record.tag != 0);
    CHECK(record.rank == rank);
    CHECK(ranks.control(rank).abort == 1);
    CHECK(record.call == 0);
    const auto& report = reports[static_cast<std::size_t>(rank)];
    CHECK(report.unwritten_elements > 0);
    // What was written is right: a rank that gave up stores nothing it does not have.
    if (!spec_of(pattern).by_rows()) CHECK(report.wrong_elements == report.unwritten_elements);
    if (algorithm == Algorithm::two_shot) {
      // Either the missing contribution itself, or an owner that could not finish without it.
      CHECK(record.peer != rank);
    } else {
      CHECK(record.peer == 2);
    }
  }
  CHECK(ranks.give_up(2).tag == 0);
}

TEST_CASE("A call on a workspace whose abort word is set leaves at once and writes nothing") {
  const auto algorithm = GENERATE(Algorithm::one_shot, Algorithm::two_shot, Algorithm::two_shot_barrier);
  const CallShape shape = shape_of(algorithm);
  FlatRanks ranks(layout_for(shape));
  for (int r = 0; r < 4; ++r) ranks.control(r).abort = 1;
  for (const auto& report : run_and_check(ranks, shape, InputKind::exact, 2)) {
    CHECK(report.unwritten_elements == report.checked_elements);
  }
  ranks.kernels().device_barrier(ranks.stream(0), ranks.view(0), ranks.view(0).flags());
  ranks.synchronize();
  CHECK(ranks.control(0).calls == 0);
  CHECK(ranks.unaccounted_words() == 0);
}

TEST_CASE("A device barrier holds every rank until the last has come") {
  const CallShape shape = shape_of(Algorithm::one_shot);
  FlatRanks ranks(layout_for(shape));
  std::atomic<int> before{0};
  std::atomic<bool> early{false};
  for (int round = 1; round <= 20; ++round) {
    for (int r = 0; r < 4; ++r) {
      ranks.stream(r).launch(1, [&](std::uint32_t) { ++before; });
      ranks.kernels().device_barrier(ranks.stream(r), ranks.view(r), ranks.view(r).flags());
      ranks.stream(r).launch(1, [&, round](std::uint32_t) {
        if (before < 4 * round) early = true;
      });
    }
  }
  ranks.synchronize();
  CHECK_FALSE(early);
  CHECK(ranks.control(0).barrier_generation == 20);
}

TEST_CASE("The barrier generation may wrap") {
  const CallShape shape = shape_of(Algorithm::two_shot_barrier);
  FlatRanks ranks(layout_for(shape));
  for (int r = 0; r < 4; ++r) {
    ranks.control(r).barrier_generation = 0xFFFFFFFB;
    auto* flags = reinterpret_cast<std::uint32_t*>(ranks.view(r).flags()[r]);
    std::fill_n(flags, layout_for(shape).flag_bytes() / 4, 0xFFFFFFFB);
  }
  CHECK(all_right(run_and_check(ranks, shape, InputKind::exact, 5), shape, 5));
  CHECK(ranks.control(0).barrier_generation == 5);
}

TEST_CASE("A barrier that lacks a rank names it with row, expected and seen generation") {
  const CallShape shape = shape_of(Algorithm::one_shot);
  FlatRanks ranks(layout_for(shape), std::chrono::milliseconds(250));
  for (const int r : {0, 1, 2}) ranks.kernels().device_barrier(ranks.stream(r), ranks.view(r), ranks.view(r).flags());
  ranks.synchronize();
  const GiveUpRecord& record = ranks.give_up(1);
  CHECK(record.tag == static_cast<std::uint32_t>(WaitTag::barrier));
  CHECK(record.peer == 3);
  CHECK(record.packet == 0);
  CHECK(record.expected == 1);
  CHECK(record.seen == 0);
}
