#include "comm/collective_phase.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <functional>
#include <mutex>

#include "support/thread_ranks.hpp"

using namespace symmbench;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using test::failures_of_ranks;
using test::require;
using test::run_ranks;

namespace {

struct Recorder final : PhaseObserver {
  void entered(Phase phase) override { events.push_back("in " + std::string(name_of(phase))); }
  void left(Phase phase, double span_us, const std::optional<Failure>& failure) override {
    events.push_back("out " + std::string(name_of(phase)) + (failure ? " failed" : ""));
    require(span_us >= 0);
  }
  std::vector<std::string> events;
};

bool phase_fails(Communicator& comm, Phase phase, const std::function<void()>& body) {
  try {
    collective_phase({comm}, phase, body);
    return false;
  } catch (const PhaseFailed&) {
    return true;
  }
}

}  // namespace

TEST_CASE("a phase that goes well on every rank returns on every rank") {
  run_ranks(4, [](int, Communicator& comm) {
    Recorder recorder;
    collective_phase({comm, &recorder}, Phase::map, [&] { barrier(comm, "inside"); });
    require(recorder.events == std::vector<std::string>{"in map", "out map"});
  });
}

TEST_CASE("one rank's failure is thrown on every rank, with phase and rank filled in") {
  const auto failures = failures_of_ranks(4, [](int rank, Communicator& comm) {
    Recorder recorder;
    try {
      collective_phase({comm, &recorder}, Phase::create, [&] {
        if (rank == 2) throw Error({.layer = Layer::driver, .reason = Reason::out_of_memory, .call = "cuMemCreate"});
      });
    } catch (const PhaseFailed& error) {
      require(error.phase() == Phase::create);
      require(error.failures().size() == 1);
      require(recorder.events.back() == (rank == 2 ? "out create failed" : "out create"));
      throw;
    }
  });
  for (const auto& failure : failures) {
    REQUIRE(failure);
    CHECK(failure->reason == Reason::out_of_memory);
    CHECK(failure->call == "cuMemCreate");
    CHECK(failure->rank == 2);
    CHECK(failure->phase == Phase::create);
  }
}

TEST_CASE("ranks that wait inside a phase are released at once when another rank failed before that round") {
  // The timeout is the test's own limit: a rank that waited it out would end in timed_out, not in the cause.
  for (int repeat = 0; repeat < 20; ++repeat) {
    const auto failures = failures_of_ranks(4, [](int rank, Communicator& comm) {
      collective_phase({comm}, Phase::exchange, [&] {
        barrier(comm, "first");
        if (rank == 1) throw Error({.layer = Layer::environment, .reason = Reason::io_error, .call = "socket"});
        barrier(comm, "second");
        barrier(comm, "third");
      });
    });
    for (const auto& failure : failures) {
      REQUIRE(failure);
      CHECK(failure->reason == Reason::io_error);
      CHECK(failure->rank == 1);
    }
  }
}

TEST_CASE("ranks meet again in the next phase after one that failed half-way") {
  run_ranks(4, [](int rank, Communicator& comm) {
    for (int repeat = 0; repeat < 10; ++repeat) {
      require(phase_fails(comm, Phase::exchange, [&] {
        if (rank == repeat % 4) throw std::runtime_error("gave up");
        barrier(comm, "inside");
        barrier(comm, "inside again");
      }));
      collective_phase({comm}, Phase::close, [&] { barrier(comm, "inside"); });
    }
  });
}

TEST_CASE("every failing rank is in the list, and the root cause is not a consequence") {
  run_ranks(3, [](int rank, Communicator& comm) {
    try {
      collective_phase({comm}, Phase::import_handle, [&] {
        if (rank == 2) throw Error({.layer = Layer::driver, .reason = Reason::invalid_handle, .peer = 0});
        barrier(comm, "inside");
      });
      require(false, "nothing was thrown");
    } catch (const PhaseFailed& error) {
      require(error.failures().size() == 3);
      for (int i = 0; i < 3; ++i) require(error.failures()[i].rank == i);
      require(error.failures()[0].reason == Reason::peer_failed);
      require(error.failures()[0].peer == 2);
      require(error.failure().reason == Reason::invalid_handle);
    }
  });
}

TEST_CASE("a rank that dies in a phase is reported by the survivors with the cause of its death") {
  ThreadWorld world(3, test::kGenerousTimeout);
  std::vector<std::unique_ptr<Communicator>> comms;
  for (int rank = 0; rank < 3; ++rank) comms.push_back(world.communicator(rank));
  std::vector<std::optional<Failure>> failures(2);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < 2; ++rank) {
    threads.emplace_back([&, rank] {
      try {
        collective_phase({*comms[rank]}, Phase::map, [] {});
      } catch (const PhaseFailed& error) {
        failures[rank] = error.failure();
      }
    });
  }
  world.leave(2, {.layer = Layer::worker, .reason = Reason::crashed, .detail = "killed by a signal", .code = 11});
  for (auto& thread : threads) thread.join();
  for (const auto& failure : failures) {
    REQUIRE(failure);
    CHECK(failure->reason == Reason::crashed);
    CHECK(failure->rank == 2);
    CHECK(failure->code == 11);
    CHECK(failure->phase == Phase::map);
  }
}

TEST_CASE("a vote that a rank does not reach in time fails by name and keeps this rank's own failure") {
  ThreadWorld world(2, 50ms);
  const auto comm = world.communicator(0);
  const auto absent = world.communicator(1);
  try {
    collective_phase({*comm}, Phase::create, [] { throw std::runtime_error("own trouble"); });
    FAIL("nothing was thrown");
  } catch (const PhaseFailed&) {
    FAIL("a vote was reported that was never held");
  } catch (const Error& error) {
    CHECK(error.failure().reason == Reason::timed_out);
    CHECK(error.failure().peer == 1);
    CHECK(error.failure().phase == Phase::create);
    CHECK_THAT(error.failure().detail, ContainsSubstring("own trouble"));
  }
}

TEST_CASE("anything thrown in a phase becomes a failure") {
  run_ranks(2, [](int rank, Communicator& comm) {
    require(phase_fails(comm, Phase::use, [&] {
      if (rank == 0) throw 42;
    }));
  });
}

TEST_CASE("ranks that vote on different phases are told so") {
  const auto failures = failures_of_ranks(
      2, [](int rank, Communicator& comm) { collective_phase({comm}, rank == 0 ? Phase::create : Phase::map, [] {}); });
  for (const auto& failure : failures) {
    REQUIRE(failure);
    CHECK(failure->reason == Reason::disagreement);
    CHECK_THAT(failure->detail, ContainsSubstring("create: vote") && ContainsSubstring("map: vote"));
  }
}
