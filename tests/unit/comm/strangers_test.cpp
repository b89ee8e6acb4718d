#include "comm/strangers.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <csignal>
#include <optional>
#include <thread>

#include "comm/fd_exchange.hpp"
#include "comm/job_nonce.hpp"
#include "support/abstract_sockets.hpp"
#include "support/descriptors.hpp"
#include "support/thread_ranks.hpp"

namespace symmbench::test {
namespace {

using Catch::Matchers::ContainsSubstring;

/// Another process that holds connections to each of these sockets and says nothing, until this object goes.
class SilentProcess {
 public:
  SilentProcess(const std::vector<std::string>& names, int connections, uid_t uid) {
    int ready[2];
    require(::pipe(ready) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      if (uid != ::geteuid() && ::setuid(uid) != 0) ::_exit(1);
      for (const auto& name : names) {
        for (int i = 0; i < connections; ++i) {
          const AbstractAddress address(name);
          const int socket = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
          (void)::connect(socket, address.get(), address.length);
        }
      }
      if (::write(ready[1], "r", 1) != 1) ::_exit(1);
      ::pause();
    }
    ::close(ready[1]);
    char byte = 0;
    require(::read(ready[0], &byte, 1) == 1, "the stranger died");
    ::close(ready[0]);
  }
  ~SilentProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_ = -1;
};

/// Three ranks exchange while a process of `uid` holds many silent connections to two of them.
Strangers exchange_beside(uid_t uid, int connections) {
  (void)take_strangers();
  const std::string nonce = make_job_nonce();
  std::optional<SilentProcess> stranger;  // stays until every rank has left
  run_ranks(3, [&](int rank, Communicator& comm) {
    if (rank == 2) {  // joins late: the stranger is there before the first peer
      std::vector<std::string> names;
      while (names.size() < 2) {
        names = visible_names(nonce);
        std::this_thread::yield();
      }
      stranger.emplace(names, connections, uid);
    }
    const auto all = exchange_fds(comm, "handles", nonce, file_with_text(name_of_rank(rank)));
    for (int peer = 0; peer < 3; ++peer) require(text_of_file(all[peer]) == name_of_rank(peer));
  });
  return take_strangers();
}

TEST_CASE("a process that fills the sockets with silent connections holds nobody up, and is told of") {
  const Strangers seen = exchange_beside(::geteuid(), 200);
  CHECK(seen.silent == 400);
  CHECK(seen.foreign + seen.ticketless == 0);
  CHECK(seen.last_pid != ::getpid());
  CHECK_THAT(describe(seen), ContainsSubstring("400 silent"));
}

TEST_CASE("connections of other users are refused at once and told of") {
  if (::geteuid() != 0) SKIP("only root can become another user");
  constexpr uid_t kNobody = 65534;
  const Strangers seen = exchange_beside(kNobody, 200);
  CHECK(seen.foreign == 400);
  CHECK(seen.silent + seen.ticketless == 0);
  CHECK(seen.last_uid == kNobody);
}

TEST_CASE("a message that comes without its descriptor is told as that, without a code that nobody saw") {
  const std::string nonce = make_job_nonce();
  const auto failures = failures_of_ranks(2, [&](int rank, Communicator& comm) {
    if (rank == 0) {
      FdExchange(nonce).exchange(comm, "handles", file_with_text("x"));
      return;
    }
    // Rank 1 knows the ticket and sends nothing beside it.
    const std::string name = "symmbench.empty-handed." + make_job_nonce();
    UniqueFd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    const AbstractAddress address(name);
    require(::bind(listener.get(), address.get(), address.length) == 0 && ::listen(listener.get(), 8) == 0);
    const std::string blob = address_blob(name);
    const auto blobs = comm.allgather("handles: socket names", std::as_bytes(std::span(blob)));
    const std::string theirs(reinterpret_cast<const char*>(blobs[0].data()), blobs[0].size());
    std::uint64_t length = 0;
    std::memcpy(&length, theirs.data(), sizeof length);
    const UniqueFd socket = connect_to(theirs.substr(sizeof length, length));
    std::string message(48, '\0');
    const std::uint64_t magic = 0x73796d6d66643031;
    const std::int32_t ranks[2] = {1, 0};
    std::memcpy(message.data(), &magic, sizeof magic);
    theirs.copy(message.data() + sizeof magic, 32, 2 * sizeof length + length);
    std::memcpy(message.data() + 40, ranks, sizeof ranks);
    send_with_descriptors(socket, message, {});
    // Rank 0 sends before it looks at what came, so this ends.
    const UniqueFd accepted(::accept(listener.get(), nullptr, nullptr));
  });
  REQUIRE(failures[0]);
  CHECK(failures[0]->reason == Reason::io_error);
  CHECK(failures[0]->peer == 1);
  CHECK_FALSE(failures[0]->code);
  CHECK_THAT(failures[0]->detail, ContainsSubstring("rank 1 came without its descriptor"));
}

}  // namespace
}  // namespace symmbench::test
