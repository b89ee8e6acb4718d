#include "comm/supervised_communicator.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdio>
#include <functional>
#include <thread>

#include "comm/collective_phase.hpp"
#include "comm/fd_exchange.hpp"
#include "comm/job_nonce.hpp"
#include "support/descriptors.hpp"
#include "support/relay.hpp"
#include "support/require.hpp"

using namespace symmbench;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using test::require;

namespace {

constexpr auto kLimit = 60s;

/// Near ends for the relay, far ends for the workers.
struct Ends {
  explicit Ends(int size) {
    for (int rank = 0; rank < size; ++rank) {
      auto [ours, theirs] = make_channel_sockets();
      near.emplace_back(std::move(ours), fmt::format("worker of rank {}", rank));
      far.push_back(std::move(theirs));
    }
  }
  std::vector<FrameChannel> near;
  std::vector<UniqueFd> far;
};

/// Workers as threads; what each threw is in the result.
std::vector<std::optional<Failure>> run_workers(int size, const std::function<void(int, Communicator&)>& body,
                                                std::chrono::nanoseconds step_timeout = kLimit) {
  Ends ends(size);
  std::vector<std::optional<Failure>> failures(static_cast<std::size_t>(size));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank, socket = std::move(ends.far[rank])]() mutable {
      FrameChannel channel(std::move(socket), "the supervisor");
      SupervisedCommunicator comm(channel, {.size = static_cast<std::uint32_t>(size)}, rank, step_timeout);
      try {
        body(rank, comm);
      } catch (const Error& error) {
        failures[rank] = error.failure();
      } catch (const std::exception& error) {
        failures[rank] = Failure{.detail = error.what()};
      }
    });
  }
  test::Relay(std::move(ends.near), step_timeout).run();
  for (auto& thread : threads) thread.join();
  return failures;
}

/// Workers as processes; each exit status, 0 where `body` returned.
std::vector<int> run_processes(int size, const std::function<void(int, Communicator&)>& body) {
  Ends ends(size);
  std::vector<pid_t> children;
  std::fflush(nullptr);  // what is buffered now would be written by every child as well
  for (int rank = 0; rank < size; ++rank) {
    const pid_t child = ::fork();
    if (child == 0) {
      int status = 0;
      try {
        ends.near.clear();
        FrameChannel channel(std::move(ends.far[rank]), "the supervisor");
        ends.far.clear();
        SupervisedCommunicator comm(channel, {.size = static_cast<std::uint32_t>(size)}, rank, kLimit);
        body(rank, comm);
      } catch (const std::exception& error) {
        fmt::print(stderr, "rank {}: {}\n", rank, error.what());
        status = 1;
      }
      ::_exit(status);
    }
    children.push_back(child);
  }
  ends.far.clear();
  test::Relay(std::move(ends.near), kLimit).run();
  std::vector<int> statuses;
  for (const pid_t child : children) {
    int status = -1;
    ::waitpid(child, &status, 0);
    statuses.push_back(status);
  }
  return statuses;
}

/// Passes everything on; with `dies`, the process ends after its first round, with all its sockets.
class MortalCommunicator final : public Communicator {
 public:
  MortalCommunicator(Communicator& inner, bool dies) : inner_(inner), dies_(dies) {}
  int rank() const override { return inner_.rank(); }
  int size() const override { return inner_.size(); }
  int world_rank(int group_rank) const override { return inner_.world_rank(group_rank); }
  std::chrono::nanoseconds step_timeout() const override { return inner_.step_timeout(); }
  std::unique_ptr<Communicator> split(int group_size) override { return inner_.split(group_size); }
  std::unique_ptr<Communicator> among(std::span<const int> group_ranks, std::uint64_t which) override {
    return inner_.among(group_ranks, which);
  }
  std::vector<Blob> allgather(std::string_view step, std::span<const std::byte> mine) override {
    auto blobs = inner_.allgather(step, mine);
    if (dies_) ::_exit(9);
    return blobs;
  }

 private:
  Communicator& inner_;
  bool dies_;
};

void check_none(const std::vector<std::optional<Failure>>& failures) {
  for (const auto& failure : failures) {
    INFO((failure ? describe(*failure) : ""));
    CHECK_FALSE(failure);
  }
}

}  // namespace

TEST_CASE("workers gather through their supervisors") {
  check_none(run_workers(4, [](int rank, Communicator& comm) {
    require(comm.rank() == rank && comm.size() == 4 && comm.world_rank(2) == 2 && comm.step_timeout() == kLimit);
    for (std::size_t round = 0; round < 20; ++round) {
      const std::string mine(static_cast<std::size_t>(rank) * 1000 + round, 'x');
      const auto texts = allgather_text(comm, "texts", mine);
      for (std::size_t peer = 0; peer < 4; ++peer) require(texts[peer].size() == peer * 1000 + round);
    }
  }));
}

TEST_CASE("workers split, and phases fail on all of them together") {
  check_none(run_workers(4, [](int rank, Communicator& comm) {
    const auto pair = comm.split(2);
    require(pair->rank() == rank % 2 && pair->world_rank(0) == rank / 2 * 2);
    bool failed = false;
    try {
      collective_phase({*pair}, Phase::map, [&] {
        if (rank == 3) throw std::runtime_error("fails");
        barrier(*pair, "inside");
      });
    } catch (const PhaseFailed& error) {
      failed = error.failure().rank == 3;
    }
    require(failed == (rank >= 2), "the failure must stay in its group");
    barrier(comm, "all");
  }));
}

TEST_CASE("a worker that dies is named to the others with the cause") {
  const auto failures = run_workers(3, [](int rank, Communicator& comm) {
    barrier(comm, "all");
    if (rank == 1) return;
    barrier(comm, "without rank 1");
  });
  for (const int rank : {0, 2}) {
    REQUIRE(failures[rank]);
    CHECK(failures[rank]->reason == Reason::peer_failed);
    CHECK(failures[rank]->peer == 1);
    CHECK(failures[rank]->rank == rank);
    CHECK_THAT(failures[rank]->detail, ContainsSubstring("closed its channel"));
  }
}

TEST_CASE("a worker that is late is named to the others, and told itself") {
  std::atomic<int> gave_up = 0;
  const auto failures = run_workers(
      3,
      [&](int rank, Communicator& comm) {
        // Rank 1 comes when the others have given up: no time has to be guessed.
        while (rank == 1 && gave_up < 2) std::this_thread::yield();
        try {
          barrier(comm, "map");
        } catch (const Error&) {
          ++gave_up;
          while (gave_up < 3) std::this_thread::yield();
          throw;
        }
      },
      50ms);
  for (const auto& failure : failures) {
    REQUIRE(failure);
    CHECK(failure->reason == Reason::timed_out);
    CHECK(failure->peer == 1);
  }
}

TEST_CASE("a supervisor that does not answer is given up after the step's time and a margin") {
  auto [ours, theirs] = make_channel_sockets();
  FrameChannel channel(std::move(theirs), "the supervisor");
  SupervisedCommunicator comm(channel, {.size = 2}, 0, 20ms, 20ms);
  try {
    barrier(comm, "map");
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.failure().reason == Reason::timed_out);
    CHECK_FALSE(error.failure().peer);
    CHECK(error.failure().rank == 0);
    CHECK_THAT(error.failure().detail, ContainsSubstring("the supervisor did not answer"));
  }
}

TEST_CASE("a supervisor that is gone is seen at once") {
  auto [ours, theirs] = make_channel_sockets();
  FrameChannel channel(std::move(theirs), "the supervisor");
  SupervisedCommunicator comm(channel, {.size = 2}, 1, kLimit);
  ours.reset();
  try {
    barrier(comm, "map");
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.failure().reason == Reason::peer_failed);
    CHECK_FALSE(error.failure().peer);
    CHECK_THAT(error.failure().detail, ContainsSubstring("the supervisor closed the channel"));
  }
}

TEST_CASE("an answer to an older round is dropped, and frames of other kinds are kept") {
  auto [ours, theirs] = make_channel_sockets();
  FrameChannel supervisor(std::move(ours), "the worker");
  FrameChannel channel(std::move(theirs), "the supervisor");
  const RoundScope scope{.size = 1};
  SupervisedCommunicator comm(channel, scope, 0, kLimit);
  const std::string stale = "stale";
  const std::string fresh = "fresh";
  const auto result = [&](std::uint32_t index, const std::string& text) {
    const auto bytes = std::as_bytes(std::span(text));
    return encode(
        RoundResult{{.scope = scope, .epoch = 0, .index = index}, std::vector<Blob>{Blob(bytes.begin(), bytes.end())}});
  };
  supervisor.send(kRoundResult, result(7, stale), Deadline::in(kLimit));
  supervisor.send(kFirstSuperviseKind, {}, Deadline::in(kLimit));
  supervisor.send(kRoundResult, result(0, fresh), Deadline::in(kLimit));
  CHECK(allgather_text(comm, "step", "mine") == std::vector<std::string>{"fresh"});
  CHECK(channel.receive(Deadline::in(kLimit)).kind == kFirstSuperviseKind);
}

TEST_CASE("a damaged answer is an error, not a crash") {
  auto [ours, theirs] = make_channel_sockets();
  FrameChannel supervisor(std::move(ours), "the worker");
  FrameChannel channel(std::move(theirs), "the supervisor");
  SupervisedCommunicator comm(channel, {.size = 1}, 0, kLimit);
  supervisor.send(kRoundResult, Blob(11, std::byte{0x5a}), Deadline::in(kLimit));
  try {
    barrier(comm, "step");
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.failure().reason == Reason::corrupted);
    CHECK(error.failure().rank == 0);
  }
}

TEST_CASE("descriptors travel between processes") {
  const std::string nonce = make_job_nonce();
  const long before = test::open_descriptors();
  const auto statuses = run_processes(4, [&](int rank, Communicator& comm) {
    const long mine_before = test::open_descriptors();
    for (int repeat = 0; repeat < 3; ++repeat) {
      const auto mine = test::file_with_text(fmt::format("memory of rank {}", rank));
      const auto all = exchange_fds(comm, "handles", nonce, mine);
      for (int peer = 0; peer < 4; ++peer) {
        require(test::text_of_file(all[peer]) == fmt::format("memory of rank {}", peer));
      }
    }
    require(test::open_descriptors() == mine_before, "descriptors were left open");
  });
  CHECK(statuses == std::vector<int>(4, 0));
  CHECK(test::open_descriptors() == before);
}

TEST_CASE("72 processes exchange descriptors") {
  const std::string nonce = make_job_nonce();
  const auto statuses = run_processes(72, [&](int rank, Communicator& comm) {
    const auto all = exchange_fds(comm, "handles", nonce, test::file_with_text(std::to_string(rank)));
    for (int peer = 0; peer < 72; ++peer) require(test::text_of_file(all[peer]) == std::to_string(peer));
  });
  CHECK(statuses == std::vector<int>(72, 0));
}

TEST_CASE("a process that dies in the exchange is named to the others before the step's time is over") {
  const auto statuses = run_processes(3, [](int rank, Communicator& comm) {
    try {
      collective_phase({comm}, Phase::exchange, [&] {
        MortalCommunicator mortal(comm, rank == 2);
        FdExchange().exchange(mortal, "handles", test::file_with_text("x"));
      });
    } catch (const PhaseFailed& error) {
      require(error.failures().back().rank == 2 && error.failure().reason == Reason::exited);
      return;
    }
    require(false, "the phase went well");
  });
  CHECK(statuses == std::vector<int>{0, 0, 9 << 8});
}
