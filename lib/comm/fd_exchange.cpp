#include "comm/fd_exchange.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>

#include "comm/fd_message.hpp"
#include "comm/job_nonce.hpp"
#include "comm/os_error.hpp"
#include "comm/pending_connections.hpp"
#include "comm/strangers.hpp"
#include "core/clock.hpp"

namespace symmbench {
namespace {

/// Connections kept without having shown their ticket: one per peer, and room for some strangers.
constexpr std::size_t kStrangers = 64;
/// How often a rank that waits looks whether those it waits for still listen.
constexpr std::chrono::milliseconds kKnockPeriod{100};

struct SocketName {
  explicit SocketName(const std::string& name) {
    if (name.size() + 1 > sizeof address.sun_path) {
      throw Error(
          {.layer = Layer::comm,
           .reason = Reason::invalid_argument,
           .detail = fmt::format("socket name '{}' is longer than {} characters", name, sizeof address.sun_path - 1)});
    }
    address.sun_family = AF_UNIX;
    std::copy(name.begin(), name.end(), address.sun_path + 1);
    length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }

  sockaddr_un address{};
  socklen_t length = 0;
};

UniqueFd make_socket() {
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) throw Error(os_failure("socket", errno));
  return socket;
}

/// Binds nonce.rank.0, then nonce.rank.1, and so on; where one is taken, by a worker that was killed a moment ago or by a
/// stranger who has seen the nonce, a name that nobody can foresee.
UniqueFd make_listener(const std::string& nonce, int world_rank, std::string& name) {
  static std::atomic<unsigned> exchanges = 0;
  UniqueFd listener = make_socket();
  std::string last = std::to_string(exchanges++);
  for (int tries = 0; tries < 10; ++tries, last = make_job_nonce()) {
    name = fmt::format("symmbench.{}.{}.{}", nonce, world_rank, last);
    const SocketName address(name);
    if (::bind(listener.get(), address.get(), address.length) == 0) {
      if (::listen(listener.get(), SOMAXCONN) != 0) throw Error(os_failure("listen", errno));
      return listener;
    }
    if (errno != EADDRINUSE) throw Error(os_failure("bind", errno, name));
  }
  throw Error(os_failure("bind", EADDRINUSE, name));
}

void require_one_host(const Communicator& comm, const std::vector<FdAddress>& addresses) {
  for (std::size_t i = 1; i < addresses.size(); ++i) {
    const auto differs = difference(addresses[0].host, addresses[i].host);
    if (differs.empty()) continue;
    throw Error({.layer = Layer::comm,
                 .reason = Reason::not_supported,
                 .detail = fmt::format("a file descriptor cannot travel between rank {} and rank {}: {}",
                                       comm.world_rank(0), comm.world_rank(static_cast<int>(i)), differs),
                 .rank = comm.world_rank(comm.rank())});
  }
}

/// The transfer after the names are known: sends to all while it accepts from all, so no order of ranks can block it.
class Transfer {
 public:
  Transfer(const Communicator& comm, const std::vector<FdAddress>& addresses, const UniqueFd& listener,
           std::vector<int> mine)
      : comm_(comm),
        addresses_(addresses),
        listener_(listener),
        pending_(listener, addresses.size() + kStrangers),
        mine_(std::move(mine)),
        received_(addresses.size()),
        missing_(addresses.size() - 1),
        deadline_(Deadline::in(comm.step_timeout())) {
    // Everybody begins with its neighbour: 72 ranks that all began with rank 0 would fill its backlog.
    for (int i = 1; i < comm.size(); ++i) unsent_.push_back((comm.rank() + i) % comm.size());
  }

  std::vector<std::vector<UniqueFd>> run() {
    while (true) {
      std::erase_if(unsent_, [&](int peer) { return send_to(peer); });
      take_what_came();
      if (unsent_.empty() && missing_ == 0) return std::move(received_);
      if (deadline_.expired()) throw_timed_out();
      if (Clock::now() >= next_knock_) find_lost_peers();
      wait();
    }
  }

 private:
  [[noreturn]] void fail(Failure failure, int peer) const {
    failure.rank = comm_.world_rank(comm_.rank());
    failure.peer = comm_.world_rank(peer);
    throw Error(std::move(failure));
  }

  [[noreturn]] void throw_timed_out() const {
    const double seconds = std::chrono::duration<double>(comm_.step_timeout()).count();
    int peer = 0;
    while (peer < comm_.size() && (peer == comm_.rank() || has_come(peer))) ++peer;
    const bool nothing_came = peer < comm_.size();
    const Strangers strangers = pending_.strangers();
    if (!nothing_came) peer = unsent_.front();
    fail({.layer = Layer::comm,
          .reason = Reason::timed_out,
          .detail =
              fmt::format("rank {} {} within {:.3g} s; {} descriptors missing, {} not sent{}", comm_.world_rank(peer),
                          nothing_came ? "did not send its descriptor" : "did not take a connection", seconds, missing_,
                          unsent_.size(), strangers.any() ? "; " + describe(strangers) : "")},
         peer);
  }

  [[noreturn]] void throw_gone(int peer) const {
    fail({.layer = Layer::comm,
          .reason = Reason::peer_failed,
          .call = "connect",
          .detail = fmt::format("the socket of rank {} is gone", comm_.world_rank(peer)),
          .code = ECONNREFUSED},
         peer);
  }

  /// The kernel says no more than that it dropped a descriptor. Whether this process can have one at all is the only
  /// thing to be seen here, so that alone is said.
  Failure lost_descriptor(int from, std::size_t came, bool truncated) const {
    const auto how = came == 0 ? std::string("without its descriptor")
                               : fmt::format("with {} of its {} descriptors", came, mine_.size());
    const auto text = fmt::format("the message of rank {} came {}{}", comm_.world_rank(from), how,
                                  truncated ? ", which the kernel dropped (MSG_CTRUNC)" : "");
    const UniqueFd one_more(::fcntl(listener_.get(), F_DUPFD_CLOEXEC, 0));
    if (!one_more) return os_failure("fcntl(F_DUPFD_CLOEXEC)", errno, text + "; another one cannot be had either");
    return {.layer = Layer::comm, .reason = Reason::io_error, .call = "recvmsg(SCM_RIGHTS)", .detail = text};
  }

  /// A listener lives until its rank has sent to and heard from everybody. So one that is gone, while its rank's
  /// descriptor is not here, was closed by a failure, and waiting longer would not bring it.
  void find_lost_peers() {
    next_knock_ = Clock::now() + kKnockPeriod;
    for (int peer = 0; peer < comm_.size(); ++peer) {
      if (peer == comm_.rank() || has_come(peer)) continue;
      const UniqueFd socket = make_socket();
      const SocketName address(addresses_[peer].name);
      if (::connect(socket.get(), address.get(), address.length) == 0 || errno != ECONNREFUSED) continue;
      take_what_came();  // it may have sent just before it closed
      if (!has_come(peer)) throw_gone(peer);
    }
  }

  /// True when done; false to try again later.
  bool send_to(int peer) const {
    const UniqueFd socket = make_socket();
    const SocketName address(addresses_[peer].name);
    if (::connect(socket.get(), address.get(), address.length) != 0) {
      if (errno == EAGAIN || errno == EINTR) return false;  // the peer's backlog is full
      if (errno == ECONNREFUSED) throw_gone(peer);
      fail(os_failure("connect", errno, addresses_[peer].name), peer);
    }
    if (send_fds(socket, addresses_[peer], comm_.rank(), peer, mine_)) return true;
    switch (errno) {
      case EAGAIN:
      case EINTR:
      case EPIPE:  // closed unread: the next connect tells whether the peer is gone
      case ECONNRESET:
      case ETOOMANYREFS:  // an unprivileged user's limit on descriptors in flight; they drain as the peers receive
        return false;
      default:
        fail(os_failure("sendmsg(SCM_RIGHTS)", errno), peer);
    }
  }

  void take_what_came() {
    pending_.take([this](const UniqueFd& connection) { return receive_from(connection); });
  }

  PendingConnections::Word receive_from(const UniqueFd& connection) {
    using Word = PendingConnections::Word;
    using Kind = FdArrival::Kind;
    const std::string& ticket = addresses_[comm_.rank()].ticket;
    FdArrival arrival = receive_fds(connection, ticket, comm_.rank(), comm_.size(), mine_.size());
    switch (arrival.kind) {
      case Kind::not_yet:
        return Word::not_yet;
      case Kind::closed:
        return Word::closed;
      case Kind::stranger:
        return Word::not_ours;
      case Kind::peer:
        break;
    }
    const int from = arrival.from;
    if (has_come(from)) return Word::ours;
    if (arrival.descriptors.size() != mine_.size() || arrival.truncated) {
      fail(lost_descriptor(from, arrival.descriptors.size(), arrival.truncated), from);
    }
    received_[from] = std::move(arrival.descriptors);
    --missing_;
    return Word::ours;
  }

  bool has_come(int peer) const { return !received_[peer].empty(); }

  void wait() const {
    std::vector<pollfd> waits{{.fd = listener_.get(), .events = POLLIN, .revents = 0}};
    for (const int connection : pending_.descriptors()) {
      waits.push_back({.fd = connection, .events = POLLIN, .revents = 0});
    }
    // Nothing becomes readable when a peer's backlog has room again, so unsent ones are tried each millisecond.
    const int longest_ms = unsent_.empty() ? static_cast<int>(kKnockPeriod.count()) : 1;
    const int timeout_ms = std::min(longest_ms, deadline_.left_ms());
    if (::poll(waits.data(), waits.size(), timeout_ms) < 0 && errno != EINTR) throw Error(os_failure("poll", errno));
  }

  const Communicator& comm_;
  const std::vector<FdAddress>& addresses_;
  const UniqueFd& listener_;
  PendingConnections pending_;
  const std::vector<int> mine_;
  std::vector<int> unsent_;                      ///< group ranks
  std::vector<std::vector<UniqueFd>> received_;  ///< empty: has not come
  std::size_t missing_;
  Deadline deadline_;
  Clock::time_point next_knock_ = Clock::now() + kKnockPeriod;
};

}  // namespace

FdExchange::FdExchange(std::string job_nonce, HostIdentity host)
    : job_nonce_(job_nonce.empty() ? make_job_nonce() : std::move(job_nonce)), host_(std::move(host)) {}

std::vector<std::vector<UniqueFd>> FdExchange::exchange(Communicator& comm, std::string_view step,
                                                        std::span<const UniqueFd> mine) {
  std::vector<UniqueFd> own;
  std::vector<int> sent;
  for (const auto& descriptor : mine) {
    own.emplace_back(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 3));
    if (!own.back()) throw Error(os_failure("fcntl(F_DUPFD_CLOEXEC)", errno));
    sent.push_back(descriptor.get());
  }
  FdAddress address{.name = {}, .ticket = make_job_nonce(), .host = host_};
  const UniqueFd listener = make_listener(job_nonce_, comm.world_rank(comm.rank()), address.name);

  std::vector<FdAddress> addresses;
  for (const Blob& blob : comm.allgather(fmt::format("{}: socket names", step), encode(address))) {
    addresses.push_back(decode_fd_address(blob));
  }
  require_one_host(comm, addresses);
  auto descriptors = Transfer(comm, addresses, listener, std::move(sent)).run();
  descriptors[comm.rank()] = std::move(own);
  return descriptors;
}

std::vector<UniqueFd> FdExchange::exchange(Communicator& comm, std::string_view step, const UniqueFd& mine) {
  std::vector<UniqueFd> descriptors;
  for (auto& each : exchange(comm, step, std::span(&mine, 1))) descriptors.push_back(std::move(each.front()));
  return descriptors;
}

std::vector<UniqueFd> exchange_fds(Communicator& comm, std::string_view step, std::string_view job_nonce,
                                   const UniqueFd& mine) {
  return FdExchange(std::string(job_nonce)).exchange(comm, step, mine);
}

}  // namespace symmbench
