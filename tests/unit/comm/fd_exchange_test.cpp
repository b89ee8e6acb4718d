#include "comm/fd_exchange.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "comm/collective_phase.hpp"
#include "comm/job_nonce.hpp"
#include "support/abstract_sockets.hpp"
#include "support/descriptors.hpp"
#include "support/thread_ranks.hpp"

using namespace symmbench;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using test::AbstractAddress;
using test::address_blob;
using test::connect_to;
using test::failures_of_ranks;
using test::file_with_text;
using test::name_of_rank;
using test::open_descriptors;
using test::require;
using test::run_ranks;
using test::send_with_descriptors;
using test::text_of_file;
using test::visible_names;

namespace {

struct DescriptorLimit {
  explicit DescriptorLimit(rlim_t limit) {
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit lower = before;
    lower.rlim_cur = limit;
    ::setrlimit(RLIMIT_NOFILE, &lower);
  }
  ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before); }
  rlimit before{};
};

}  // namespace

TEST_CASE("every rank gets every other rank's descriptor, in rank order, and nothing stays open") {
  const long before = open_descriptors();
  const std::string nonce = make_job_nonce();
  run_ranks(16, [&](int rank, Communicator& comm) {
    const auto mine = file_with_text(name_of_rank(rank));
    for (int repeat = 0; repeat < 5; ++repeat) {
      const auto all = exchange_fds(comm, "handles", nonce, mine);
      require(all.size() == 16);
      for (int peer = 0; peer < 16; ++peer) {
        require(text_of_file(all[peer]) == name_of_rank(peer));
        require((::fcntl(all[peer].get(), F_GETFD) & FD_CLOEXEC) != 0, "not close-on-exec");
      }
      require(all[rank].get() != mine.get(), "the own entry must be a duplicate");
    }
  });
  CHECK(open_descriptors() == before);
  CHECK(visible_names(nonce).empty());
}

TEST_CASE("72 ranks exchange without deadlock") {
  const long before = open_descriptors();
  const std::string nonce = make_job_nonce();
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  // All ranks share one table here: 72 results of 72 each, and as many connections on their way.
  if (limit.rlim_max < 16'000) SKIP("RLIMIT_NOFILE cannot be raised to 16000");
  const DescriptorLimit raised(16'000);
  std::atomic<int> right = 0;
  run_ranks(72, [&](int rank, Communicator& comm) {
    const auto all = exchange_fds(comm, "handles", nonce, file_with_text(name_of_rank(rank)));
    for (int peer = 0; peer < 72; ++peer) right += text_of_file(all[peer]) == name_of_rank(peer);
  });
  CHECK(right == 72 * 72);
  CHECK(open_descriptors() == before);
}

TEST_CASE("one rank alone gets a duplicate of its own descriptor") {
  run_ranks(1, [](int, Communicator& comm) {
    const auto all = FdExchange().exchange(comm, "handles", file_with_text("alone"));
    require(all.size() == 1 && text_of_file(all[0]) == "alone");
  });
}

TEST_CASE("groups of a split job exchange at the same time under one nonce") {
  const std::string nonce = make_job_nonce();
  run_ranks(8, [&](int rank, Communicator& world) {
    const auto group = world.split(4);
    const auto all = exchange_fds(*group, "handles", nonce, file_with_text(name_of_rank(rank)));
    for (int peer = 0; peer < 4; ++peer) require(text_of_file(all[peer]) == name_of_rank(group->world_rank(peer)));
  });
}

TEST_CASE("ranks on different hosts or in different network namespaces are told so instead of waiting") {
  const HostIdentity here = this_host();
  HostIdentity other_boot = here;
  other_boot.boot_id = "another-boot";
  HostIdentity other_namespace = here;
  other_namespace.network_namespace = "4:1234";
  const long before = open_descriptors();
  for (const auto& [other, word] :
       {std::pair{other_boot, "boot id"}, std::pair{other_namespace, "network namespace"}}) {
    const auto failures = failures_of_ranks(3, [&, &elsewhere = other](int rank, Communicator& comm) {
      FdExchange("", rank == 2 ? elsewhere : here).exchange(comm, "handles", file_with_text("x"));
    });
    for (const auto& failure : failures) {
      REQUIRE(failure);
      CHECK(failure->layer == Layer::comm);
      CHECK(failure->reason == Reason::not_supported);
      CHECK_THAT(failure->detail, ContainsSubstring("rank 0 and rank 2") && ContainsSubstring(word));
    }
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("a peer that never sends is named when the step's time is over") {
  const long before = open_descriptors();
  std::atomic<bool> release = false;
  const auto failures = failures_of_ranks(
      3,
      [&](int rank, Communicator& comm) {
        if (rank != 1) {
          FdExchange().exchange(comm, "handles", file_with_text("x"));
          return;
        }
        // Rank 1 listens, like everybody, and then does nothing.
        const std::string name = "symmbench.silent." + make_job_nonce();
        UniqueFd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
        const AbstractAddress address(name);
        require(::bind(listener.get(), address.get(), address.length) == 0);
        require(::listen(listener.get(), 8) == 0);
        const std::string blob = address_blob(name);
        comm.allgather("handles: socket names", std::as_bytes(std::span(blob)));
        // Stay alive, with the listener open, until both others have given up.
        try {
          barrier(comm, "the others never come here");
        } catch (const Error&) {
          release = true;
        }
      },
      300ms);
  CHECK(release);
  for (const int rank : {0, 2}) {
    REQUIRE(failures[rank]);
    CHECK(failures[rank]->reason == Reason::timed_out);
    CHECK(failures[rank]->rank == rank);
    CHECK(failures[rank]->peer == 1);
    CHECK_THAT(failures[rank]->detail, ContainsSubstring("rank 1 did not send its descriptor"));
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("a peer whose socket is gone is named at once") {
  const long before = open_descriptors();
  const auto failures = failures_of_ranks(2, [&](int rank, Communicator& comm) {
    if (rank == 0) {
      FdExchange().exchange(comm, "handles", file_with_text("x"));
      return;
    }
    const std::string blob = address_blob("symmbench.nobody." + make_job_nonce());
    comm.allgather("handles: socket names", std::as_bytes(std::span(blob)));
  });
  REQUIRE(failures[0]);
  CHECK(failures[0]->reason == Reason::peer_failed);
  CHECK(failures[0]->peer == 1);
  CHECK(open_descriptors() == before);
}

TEST_CASE("a rank that fails before it has a socket does not keep the others waiting") {
  const long before = open_descriptors();
  const auto failures = failures_of_ranks(4, [&](int rank, Communicator& comm) {
    collective_phase({comm}, Phase::exchange, [&] {
      // An invalid descriptor: this rank never reaches the gather of names.
      FdExchange().exchange(comm, "handles", rank == 3 ? UniqueFd() : file_with_text("x"));
    });
  });
  for (const auto& failure : failures) {
    REQUIRE(failure);
    CHECK(failure->reason == Reason::io_error);
    CHECK(failure->rank == 3);
    CHECK(failure->phase == Phase::exchange);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("strangers that connect, stay silent, send rubbish or descriptors are shut out and do not leak") {
  const long before = open_descriptors();
  const std::string nonce = make_job_nonce();
  std::atomic<int> connected = 0;
  run_ranks(3, [&](int rank, Communicator& comm) {
    const auto mine = file_with_text(name_of_rank(rank));
    std::vector<UniqueFd> strangers;
    // The intruder is rank 2: it joins late, after it has found the sockets of the ranks 0 and 1 in the public table.
    if (rank == 2) {
      std::vector<std::string> names;
      while (names.size() < 2) {
        names = visible_names(nonce);
        std::this_thread::yield();
      }
      const auto bait = file_with_text("not what you expect");
      const int fd = bait.get();
      for (const auto& name : names) {
        for (int kind = 0; kind < 6; ++kind) {
          UniqueFd stranger = connect_to(name);
          require(static_cast<bool>(stranger), "a stranger could not even connect");
          ++connected;
          if (kind == 1) send_with_descriptors(stranger, "rubbish", {fd});
          if (kind == 2) send_with_descriptors(stranger, std::string(48, '\0'), {fd, fd, fd});
          if (kind == 3) send_with_descriptors(stranger, std::string(4096, 'x'), {});
          if (kind == 4) {
            // The right form and even the right ranks, but not the ticket.
            std::string forged(48, 't');
            const std::uint64_t magic = 0x73796d6d66643031;
            const std::int32_t ranks[2] = {2, name.find(nonce + ".0.") != std::string::npos ? 0 : 1};
            std::memcpy(forged.data(), &magic, sizeof magic);
            std::memcpy(forged.data() + 40, ranks, sizeof ranks);
            send_with_descriptors(stranger, forged, {fd});
          }
          if (kind == 5) send_with_descriptors(stranger, "", {fd});
          strangers.push_back(std::move(stranger));
        }
      }
    }
    const auto all = exchange_fds(comm, "handles", nonce, mine);
    for (int peer = 0; peer < 3; ++peer) require(text_of_file(all[peer]) == name_of_rank(peer));
  });
  CHECK(connected == 12);
  CHECK(open_descriptors() == before);
}

TEST_CASE("a stranger who takes the names that are to come keeps nobody from listening") {
  constexpr int kTaken = 10'500;
  const DescriptorLimit raised(kTaken + 500);
  if (raised.before.rlim_max < kTaken + 500) SKIP("descriptors are too few here");
  const std::string nonce = make_job_nonce();
  std::vector<UniqueFd> taken;
  for (int i = 0; i < kTaken; ++i) {
    const AbstractAddress address("symmbench." + nonce + ".0." + std::to_string(i));
    taken.emplace_back(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    REQUIRE(bind(taken.back().get(), address.get(), address.length) == 0);
  }
  run_ranks(2, [&](int rank, Communicator& comm) {
    const auto all = exchange_fds(comm, "handles", nonce, file_with_text(name_of_rank(rank)));
    require(text_of_file(all[0]) == name_of_rank(0));
  });
}

TEST_CASE("running out of descriptors is an environment failure that names the limit") {
  const long before = open_descriptors();
  {
    const DescriptorLimit lowered(static_cast<rlim_t>(before) + 30);
    const auto failures = failures_of_ranks(8, [](int rank, Communicator& comm) {
      collective_phase({comm}, Phase::exchange,
                       [&] { FdExchange().exchange(comm, "handles", file_with_text(name_of_rank(rank))); });
    });
    for (const auto& failure : failures) {
      REQUIRE(failure);
      // Thread ranks share one table: another one that failed may have freed descriptors before this one looks.
      const bool freed = failure->reason == Reason::io_error && failure->detail.ends_with("dropped (MSG_CTRUNC)");
      if (freed) continue;
      CHECK(failure->layer == Layer::environment);
      CHECK(failure->reason == Reason::capacity_exceeded);
      CHECK_THAT(failure->detail, ContainsSubstring("RLIMIT_NOFILE"));
    }
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("a nonce that makes a name too long is refused") {
  const auto failures = failures_of_ranks(
      1, [](int, Communicator& comm) { exchange_fds(comm, "handles", std::string(200, 'n'), file_with_text("x")); });
  REQUIRE(failures[0]);
  CHECK(failures[0]->reason == Reason::invalid_argument);
}
