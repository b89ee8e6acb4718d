#pragma once
#include <chrono>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "comm/thread_communicator.hpp"
#include "support/require.hpp"

namespace symmbench::test {

/// A limit, not an expectation: tests that pass never come near it.
inline constexpr std::chrono::seconds kGenerousTimeout{60};

/// Rank threads assert with test::require(): Catch2's own macros may be used on the test's main thread only.
/// Runs `body(rank, communicator)` on `size` ranks, each a thread. When one throws, the ranks that wait for it are
/// released with peer_failed before the exception that came *first* is thrown again here, after all have ended.
inline void run_ranks(int size, const std::function<void(int, Communicator&)>& body,
                      std::chrono::nanoseconds step_timeout = kGenerousTimeout) {
  ThreadWorld world(size, step_timeout);
  std::vector<std::unique_ptr<Communicator>> communicators;
  for (int rank = 0; rank < size; ++rank) communicators.push_back(world.communicator(rank));

  std::mutex mutex;
  std::exception_ptr first;
  const auto run = [&](int rank) {
    try {
      body(rank, *communicators[rank]);
    } catch (const std::exception& error) {
      {
        const std::lock_guard lock(mutex);
        if (!first) first = std::current_exception();
      }
      world.leave(rank, {.layer = Layer::worker, .reason = Reason::exited, .detail = error.what()});
    } catch (...) {
      {
        const std::lock_guard lock(mutex);
        if (!first) first = std::current_exception();
      }
      world.leave(rank, {.layer = Layer::worker, .reason = Reason::exited, .detail = "an exception of no known type"});
    }
    communicators[rank].reset();
  };
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) threads.emplace_back(run, rank);
  for (auto& thread : threads) thread.join();
  if (first) std::rethrow_exception(first);
}

/// What `body` threw on each rank; an empty optional where it returned. For tests of failures.
inline std::vector<std::optional<Failure>> failures_of_ranks(int size,
                                                             const std::function<void(int, Communicator&)>& body,
                                                             std::chrono::nanoseconds step_timeout = kGenerousTimeout) {
  std::vector<std::optional<Failure>> failures(size);
  run_ranks(
      size,
      [&](int rank, Communicator& comm) {
        try {
          body(rank, comm);
        } catch (const Error& error) {
          failures[rank] = error.failure();
        }
      },
      step_timeout);
  return failures;
}

}  // namespace symmbench::test
