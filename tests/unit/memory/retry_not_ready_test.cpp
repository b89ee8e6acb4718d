#include "memory/retry_not_ready.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <chrono>
#include <vector>

#include "memory/handle_trial.hpp"
#include "support/any_allocator.hpp"
#include "unit/memory/allocator_bench.hpp"

namespace symmbench {
namespace {

using test::AllocatorWorld;
using test::RankBench;

constexpr std::chrono::milliseconds kStep{40};  // of what waits between tries are a part

/// So often begins each rank `body`, which fails on rank 1 as `failure_of` says of a try, counted from 1.
struct Tries {
  std::vector<int> begun = std::vector<int>(3, 0);
  std::vector<std::optional<Failure>> failures;
};
Tries tries_of(const std::function<std::optional<Failure>(int rank, int tries)>& failure_of) {
  Tries tries;
  tries.failures = test::failures_of_ranks(
      3,
      [&](int rank, Communicator& comm) {
        const PhaseContext context{comm};
        retry_not_ready(
            context,
            [&] {
              const auto failure = failure_of(rank, ++tries.begun[rank]);
              collective_phase(context, Phase::map, [&] {
                if (failure) throw Error(*failure);
              });
            },
            nullptr);
      },
      kStep);
  return tries;
}

Failure driver_failure(int code) {
  return {.layer = Layer::driver, .reason = Reason::not_ready, .call = "cuMemMap", .code = code};
}

TEST_CASE("what one rank finds not ready is tried again by all, and no more often than needed") {
  const Tries tries = tries_of([](int rank, int begun) {
    return rank == 1 && begun <= 2 ? std::optional(driver_failure(driver_code::kNotReady)) : std::nullopt;
  });
  CHECK(tries.begun == std::vector{3, 3, 3});
  for (const auto& failure : tries.failures) CHECK_FALSE(failure);
}

TEST_CASE("what stays not ready fails on all ranks after the same number of tries") {
  const Tries tries = tries_of(
      [](int rank, int) { return rank == 1 ? std::optional(driver_failure(driver_code::kNotReady)) : std::nullopt; });
  CHECK(tries.begun[0] > 2);
  CHECK(tries.begun == std::vector(3, tries.begun[0]));
  for (const auto& failure : tries.failures) {
    REQUIRE(failure);
    CHECK(failure->code == driver_code::kNotReady);
    CHECK(failure->rank == 1);
  }
}

TEST_CASE("no other failure is tried again, nor one beside which another rank has its own") {
  const bool beside = GENERATE(false, true);
  const Tries tries = tries_of([&](int rank, int) -> std::optional<Failure> {
    if (rank == 1) return driver_failure(driver_code::kOutOfMemory);
    return beside && rank == 2 ? std::optional(driver_failure(driver_code::kNotReady)) : std::nullopt;
  });
  CHECK(tries.begun == std::vector{1, 1, 1});
  for (const auto& failure : tries.failures) CHECK(failure->code == driver_code::kOutOfMemory);
}

TEST_CASE("an allocation that is tried again holds nothing of the tries that failed") {
  const auto name = test::any_mapping_allocator();
  const auto call = GENERATE(DriverCall::create, DriverCall::export_handle, DriverCall::import_handle, DriverCall::map);
  AllocatorWorld world{.ranks = 2, .faulty_rank = 1, .faults = {{call, 2, driver_code::kNotReady, 2}}};
  const auto failures = world.run([&](RankBench& rank) {
    const MemoryRequest requests[] = {{4096, "first"}, {4096, "second"}};
    std::vector<std::unique_ptr<SharedMemory>> memory;
    retry_not_ready(
        rank.context,
        [&] { memory = make_allocator(name)->allocate_all(rank.context, rank.driver, requests, HandleType::posix_fd); },
        nullptr);
    test::require(rank.ledger.memories.size() == 4, "two blocks of two ranks, and no more");
    for (const auto& each : memory) each->close(rank.context);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  CHECK(world.injected[1] == 2);
  CHECK(world.balanced());
}

TEST_CASE("a trial of a handle type passes over a driver that was not ready, and says so") {
  AllocatorWorld world{.ranks = 2, .faulty_rank = 0, .faults = {{DriverCall::create, 1, driver_code::kNotReady}}};
  const auto failures = world.run([&](RankBench& rank) {
    const auto trial = trial_handle(rank.context, rank.driver, AllocatorKind::torch_symm_mem, HandleType::posix_fd);
    test::require(trial.passed && trial.retried.size() == 1 && trial.retried[0].code == driver_code::kNotReady);
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  CHECK(world.balanced());
}

}  // namespace
}  // namespace symmbench
