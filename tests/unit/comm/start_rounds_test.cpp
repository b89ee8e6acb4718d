#include "comm/start_rounds.hpp"

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <functional>
#include <thread>

#include "comm/thread_transport.hpp"
#include "core/error.hpp"

using namespace symmbench;

namespace {

/// What all ranks of a job sent.
struct Traffic {
  std::atomic<std::uint64_t> messages = 0, bytes = 0;
};

class CountedTransport final : public Transport {
 public:
  CountedTransport(std::unique_ptr<Transport> inner, Traffic& traffic) : inner_(std::move(inner)), traffic_(traffic) {}
  int rank() const override { return inner_->rank(); }
  int size() const override { return inner_->size(); }
  void send(int to, std::span<const std::byte> bytes) override {
    ++traffic_.messages;
    traffic_.bytes += bytes.size();
    inner_->send(to, bytes);
  }
  std::optional<PeerMessage> receive() override { return inner_->receive(); }
  void progress() override { inner_->progress(); }
  bool all_sent() override { return inner_->all_sent(); }

 private:
  std::unique_ptr<Transport> inner_;
  Traffic& traffic_;
};

/// Each rank's thread does `body`; what it threw, if anything.
std::vector<std::optional<Failure>> on_ranks(int size, double limit_s,
                                             const std::function<void(int, StartRounds&)>& body,
                                             Traffic* traffic = nullptr) {
  Traffic unused;
  ThreadTransportHub hub(size);
  std::vector<std::optional<Failure>> failures(static_cast<std::size_t>(size));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      CountedTransport transport(hub.endpoint(rank), traffic ? *traffic : unused);
      StartRounds rounds(transport, limit_s);
      try {
        body(rank, rounds);
      } catch (const Error& error) {
        failures[static_cast<std::size_t>(rank)] = error.failure();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  return failures;
}

constexpr double kNever_s = 60;

}  // namespace

TEST_CASE("a start-up round gives every rank the texts of all, round after round") {
  std::vector<std::vector<std::string>> last(4);
  const auto failures = on_ranks(4, kNever_s, [&](int rank, StartRounds& rounds) {
    for (int i = 0; i < 20; ++i) {
      last[static_cast<std::size_t>(rank)] =
          rounds.gather("step", std::string(static_cast<std::size_t>(rank * i), 'x'));
    }
  });
  for (const auto& failure : failures) CHECK_FALSE(failure);
  for (const auto& texts : last) {
    REQUIRE(texts.size() == 4);
    for (std::size_t rank = 0; rank < 4; ++rank) CHECK(texts[rank].size() == rank * 19);
  }
}

TEST_CASE("what a start-up round sends grows with the number of ranks, not with its square") {
  constexpr std::size_t kHalf = 2048;  // as a configuration, which is the same on every rank, around a host's name
  const auto text_of = [&](int rank) {
    return std::string(kHalf, 'x') + "host" + std::to_string(rank) + std::string(kHalf, 'y');
  };
  for (const int ranks : {4, 24}) {
    CAPTURE(ranks);
    Traffic traffic;
    std::vector<std::vector<std::string>> heard(static_cast<std::size_t>(ranks));
    const auto failures = on_ranks(
        ranks, kNever_s,
        [&](int rank, StartRounds& rounds) {
          heard[static_cast<std::size_t>(rank)] = rounds.gather("step", text_of(rank));
        },
        &traffic);
    for (const auto& failure : failures) CHECK_FALSE(failure);
    for (const auto& texts : heard) {
      REQUIRE(texts.size() == static_cast<std::size_t>(ranks));
      for (int rank = 0; rank < ranks; ++rank) CHECK(texts[static_cast<std::size_t>(rank)] == text_of(rank));
    }
    const auto others = static_cast<std::uint64_t>(ranks - 1);
    CHECK(traffic.messages == 2 * others);
    CHECK(traffic.bytes < others * (4 * kHalf + 256 + 64 * others));
  }
}

TEST_CASE("a rank alone gathers its own text") {
  const auto failures = on_ranks(1, kNever_s, [](int, StartRounds& rounds) {
    CHECK(rounds.gather("step", "mine") == std::vector<std::string>{"mine"});
  });
  CHECK_FALSE(failures[0]);
}

TEST_CASE("a rank that goes another way in the start-up is named to all at once, with both steps") {
  const auto failures = on_ranks(
      3, kNever_s, [](int rank, StartRounds& rounds) { rounds.gather(rank == 2 ? "leave" : "job nonce", ""); });
  for (const auto& failure : failures) {
    REQUIRE(failure);
    CHECK(failure->reason == Reason::disagreement);
    CHECK(failure->rank == 0);
    CHECK(failure->peer == 2);
    CHECK(failure->detail == "rank 2 is at start-up step 'leave', rank 0 at 'job nonce'");
  }
}

TEST_CASE("a start-up round that ranks do not come to ends for those that did, and names them") {
  const auto failures = on_ranks(4, 0.05, [](int rank, StartRounds& rounds) {
    if (rank != 1 && rank != 3) rounds.gather("command line", "");
  });
  for (const std::size_t rank : {0, 2}) {
    REQUIRE(failures[rank]);
    CHECK(failures[rank]->reason == Reason::timed_out);
    CHECK(failures[rank]->peer == 1);
    CHECK(failures[rank]->detail == "start-up step 'command line': ranks 1, 3 did not come within 0.05 s");
  }
}

TEST_CASE("without rank 0 a start-up round ends as well, and rank 0 is whom it waited for") {
  const auto failures = on_ranks(2, 0.05, [](int rank, StartRounds& rounds) {
    if (rank == 1) rounds.gather("command line", "");
  });
  REQUIRE(failures[1]);
  CHECK(failures[1]->peer == 0);
  CHECK(failures[1]->rank == 1);
}
