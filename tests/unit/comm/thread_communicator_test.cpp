#include "comm/thread_communicator.hpp"

#include <fmt/format.h>

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <future>

#include "support/thread_ranks.hpp"

using namespace symmbench;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using test::failures_of_ranks;
using test::require;
using test::run_ranks;

TEST_CASE("an allgather gives every rank everybody's bytes in rank order") {
  std::atomic<int> right = 0;
  run_ranks(4, [&](int rank, Communicator& comm) {
    for (int round = 0; round < 20; ++round) {
      const auto texts = allgather_text(comm, "names", fmt::format("rank {} round {}", rank, round));
      for (int peer = 0; peer < 4; ++peer) right += texts[peer] == fmt::format("rank {} round {}", peer, round);
    }
  });
  CHECK(right == 4 * 4 * 20);
}

TEST_CASE("72 ranks meet in many rounds") {
  std::atomic<int> right = 0;
  run_ranks(72, [&](int rank, Communicator& comm) {
    for (int round = 0; round < 10; ++round) {
      const auto values = allgather_value(comm, "value", rank * 1000 + round);
      for (int peer = 0; peer < 72; ++peer) right += values[peer] == peer * 1000 + round;
    }
  });
  CHECK(right == 72 * 72 * 10);
}

TEST_CASE("one rank alone completes its rounds") {
  run_ranks(1, [](int, Communicator& comm) { require(allgather_value(comm, "alone", 7) == std::vector<int>{7}); });
}

TEST_CASE("a barrier holds everybody until the last rank came") {
  std::atomic<int> came = 0;
  std::atomic<int> too_early = 0;
  run_ranks(8, [&](int, Communicator& comm) {
    ++came;
    barrier(comm, "all here");
    if (came != 8) ++too_early;
  });
  CHECK(too_early == 0);
}

TEST_CASE("ranks at different steps are told both steps and both ranks") {
  const auto failures = failures_of_ranks(
      2, [](int rank, Communicator& comm) { barrier(comm, rank == 0 ? "exchange names" : "map peers"); });
  for (int rank = 0; rank < 2; ++rank) {
    REQUIRE(failures[rank]);
    CHECK(failures[rank]->layer == Layer::comm);
    CHECK(failures[rank]->reason == Reason::disagreement);
    // Who came first, and who came otherwise; nobody knows which of them is wrong.
    CHECK(failures[rank]->rank == (failures[rank]->peer == 0 ? 1 : 0));
    CHECK_THAT(failures[rank]->detail, ContainsSubstring("rank 0 is at step 'exchange names'") ||
                                           ContainsSubstring("rank 0 at step 'exchange names'"));
    CHECK_THAT(failures[rank]->detail,
               ContainsSubstring("rank 1 at step 'map peers'") || ContainsSubstring("rank 1 is at step 'map peers'"));
  }
}

TEST_CASE("a third rank that comes after a disagreement is told of it too") {
  ThreadWorld world(3, test::kGenerousTimeout);
  std::vector<std::unique_ptr<Communicator>> comms;
  for (int rank = 0; rank < 3; ++rank) comms.push_back(world.communicator(rank));
  auto first = std::async(std::launch::async, [&] { barrier(*comms[0], "a"); });
  CHECK_THROWS_AS(barrier(*comms[1], "b"), Error);
  CHECK_THROWS_AS(first.get(), Error);
  CHECK_THROWS_AS(barrier(*comms[2], "a"), Error);
}

TEST_CASE("a late rank is named by those who waited, and learns on arrival that it was late") {
  ThreadWorld world(3, 50ms);
  std::vector<std::unique_ptr<Communicator>> comms;
  for (int rank = 0; rank < 3; ++rank) comms.push_back(world.communicator(rank));
  const auto failure_at = [&](int rank) -> Failure {
    try {
      barrier(*comms[rank], "map peers");
    } catch (const Error& error) {
      return error.failure();
    }
    return {.detail = "no failure"};
  };
  auto waiting = std::async(std::launch::async, failure_at, 0);
  const Failure own = failure_at(2);
  for (const Failure& failure : {waiting.get(), own, failure_at(1)}) {
    CHECK(failure.reason == Reason::timed_out);
    CHECK(failure.peer == 1);
    CHECK_THAT(failure.detail, ContainsSubstring("map peers") && ContainsSubstring("rank 1 did not come"));
  }
}

TEST_CASE("a rank that leaves fails the rounds that wait for it, now and later") {
  ThreadWorld world(3, test::kGenerousTimeout);
  std::vector<std::unique_ptr<Communicator>> comms;
  for (int rank = 0; rank < 3; ++rank) comms.push_back(world.communicator(rank));
  auto waiting = std::async(std::launch::async, [&] { barrier(*comms[0], "first"); });
  world.leave(2, {.layer = Layer::worker, .reason = Reason::crashed, .detail = "killed", .code = 11});
  try {
    waiting.get();
    FAIL("the wait ended well");
  } catch (const Error& error) {
    CHECK(error.failure().reason == Reason::peer_failed);
    CHECK(error.failure().peer == 2);
    CHECK_THAT(error.failure().detail, ContainsSubstring("worker/crashed"));
  }
  for (const char* step : {"first", "second"}) {
    try {
      barrier(*comms[1], step);
      FAIL("the wait ended well");
    } catch (const Error& error) {
      CHECK(error.failure().reason == Reason::peer_failed);
      CHECK(error.failure().peer == 2);
    }
  }
  CHECK_THROWS_AS(barrier(*comms[2], "a rank that left comes back"), Error);
}

TEST_CASE("destroying a communicator releases the ranks that wait for it") {
  ThreadWorld world(2, test::kGenerousTimeout);
  auto stays = world.communicator(0);
  auto leaves = world.communicator(1);
  auto waiting = std::async(std::launch::async, [&] { barrier(*stays, "last"); });
  leaves.reset();
  CHECK_THROWS_AS(waiting.get(), Error);
}

TEST_CASE("a split gives contiguous groups that work at the same time and name world ranks") {
  std::atomic<int> right = 0;
  run_ranks(8, [&](int rank, Communicator& comm) {
    const auto group = comm.split(4);
    right += group->size() == 4 && group->rank() == rank % 4 && group->world_rank(group->rank()) == rank;
    const auto pair = group->split(2);
    // Groups hold different numbers of rounds: they are independent of one another.
    for (int round = 0; round < 1 + rank / 4; ++round) {
      const auto ranks = allgather_value(*group, "members", rank);
      right += round > 0 || ranks[0] == rank / 4 * 4;
    }
    right += allgather_value(*pair, "pair", rank)[1] == rank / 2 * 2 + 1;
    barrier(comm, "together again");
  });
  CHECK(right == 8 * 3 + 4);
}

TEST_CASE("two splits into the same ranks do not share rounds") {
  run_ranks(2, [](int rank, Communicator& comm) {
    const auto first = comm.split(2);
    const auto second = comm.split(2);
    barrier(*first, "one");
    require(allgather_value(*second, "two", rank) == std::vector<int>{0, 1});
    require(allgather_value(*first, "three", rank) == std::vector<int>{0, 1});
  });
}

TEST_CASE("any ranks can be a communicator of their own, while the others go on without them") {
  run_ranks(6, [](int rank, Communicator& comm) {
    const std::vector<int> odd{1, 3, 5}, outer{0, 5};
    if (rank % 2 == 1) {
      const auto part = comm.among(odd, 1);
      require(part->size() == 3 && part->rank() == rank / 2 && part->world_rank(2) == 5);
      require(allgather_value(*part, "odd", rank) == odd);
      const auto alone = part->split(1);
      require(alone->size() == 1 && alone->world_rank(0) == rank);
    }
    if (rank % 5 == 0) require(allgather_value(*comm.among(outer, 2), "outer", rank) == outer);
    barrier(comm, "together again");
  });
}

TEST_CASE("ranks that do not ascend, are none, or are others' make no communicator") {
  run_ranks(2, [](int rank, Communicator& comm) {
    for (const std::vector<int>& ranks : {std::vector{1, 0}, {0, 0}, {0, 2}, {-1, 0}, {1 - rank}, {}}) {
      try {
        comm.among(ranks, 1);
        require(false);
      } catch (const Error& error) {
        require(error.failure().reason == Reason::invalid_argument);
      }
    }
  });
}

TEST_CASE("a split that does not divide, or on which the ranks disagree, is refused on every rank") {
  for (const auto& failure : failures_of_ranks(4, [](int, Communicator& comm) { comm.split(3); })) {
    REQUIRE(failure);
    CHECK(failure->reason == Reason::invalid_argument);
    CHECK_THAT(failure->detail, ContainsSubstring("groups of 3 do not divide 4 ranks"));
  }
  for (const auto& failure : failures_of_ranks(4, [](int rank, Communicator&comm) { comm.split(rank == 2 ? 2 : 4); })) {
    REQUIRE(failure);
    CHECK(failure->reason == Reason::disagreement);
    CHECK_THAT(failure->detail, ContainsSubstring("rank 2 for groups of 2"));
  }
}

TEST_CASE("values of different sizes are a disagreement, not a wild read") {
  const auto failures = failures_of_ranks(2, [](int rank, Communicator& comm) {
    if (rank == 0) {
      allgather_value(comm, "value", std::uint64_t{1});
    } else {
      allgather_value(comm, "value", std::uint8_t{1});
    }
  });
  for (const auto& failure : failures) {
    REQUIRE(failure);
    CHECK(failure->reason == Reason::disagreement);
  }
}

TEST_CASE("run_ranks gives back the exception that came first, not its consequences") {
  try {
    run_ranks(3, [](int rank, Communicator& comm) {
      if (rank == 2) throw Error({.layer = Layer::driver, .reason = Reason::out_of_memory, .detail = "the cause"});
      barrier(comm, "never complete");
    });
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.failure().reason == Reason::out_of_memory);
  }
}
