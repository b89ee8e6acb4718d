#include "comm/fd_exchange.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>

#include "comm/job_nonce.hpp"
#include "comm/os_error.hpp"
#include "comm/pending_connections.hpp"
#include "comm/strangers.hpp"
#include "comm/wire.hpp"
#include "core/clock.hpp"

namespace symmbench {
namespace {

constexpr std::uint64_t kMagic = 0x73796d6d66643031;  // "symmfd01"
constexpr std::size_t kTicketChars = 32;
/// Connections kept without having shown their ticket: one per peer, and room for some strangers.
constexpr std::size_t kStrangers = 64;
/// How often a rank that waits looks whether those it waits for still listen.
constexpr std::chrono::milliseconds kKnockPeriod{100};

/// The one message on a connection; the descriptor travels with it.
struct Introduction {
  std::uint64_t magic = kMagic;
  std::array<char, kTicketChars> ticket{};
  std::int32_t from_rank = -1;  ///< group ranks
  std::int32_t to_rank = -1;
};

/// What a rank tells the others over the communicator.
struct Address {
  std::string name;  ///< abstract: without the leading zero byte
  std::string ticket;
  HostIdentity host;
};

Blob encode(const Address& address) {
  WireWriter writer;
  writer.text(address.name);
  writer.text(address.ticket);
  writer.text(address.host.boot_id);
  writer.text(address.host.network_namespace);
  return writer.take();
}

Address decode_address(std::span<const std::byte> message) {
  WireReader reader(message, "socket address");
  Address address;
  address.name = reader.text();
  address.ticket = reader.text();
  address.host.boot_id = reader.text();
  address.host.network_namespace = reader.text();
  reader.expect_end();
  return address;
}

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

void require_one_host(const Communicator& comm, const std::vector<Address>& addresses) {
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

/// A message with descriptors, in the form that sendmsg and recvmsg want.
class FdMessage {
 public:
  FdMessage(Introduction& introduction, std::size_t descriptors)
      : bytes_{&introduction, sizeof introduction}, control_(CMSG_SPACE(descriptors * sizeof(int))) {
    header_.msg_iov = &bytes_;
    header_.msg_iovlen = 1;
    header_.msg_control = control_.data();
    header_.msg_controllen = control_.size();
  }

  void attach(std::span<const int> fds) {
    cmsghdr* control = CMSG_FIRSTHDR(&header_);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(control), fds.data(), fds.size_bytes());
  }

  /// Everything that came, so that what nobody wants is closed too: the buffer's padding may have room for one more.
  std::vector<UniqueFd> take_descriptors() {
    std::vector<UniqueFd> descriptors;
    for (cmsghdr* control = CMSG_FIRSTHDR(&header_); control; control = CMSG_NXTHDR(&header_, control)) {
      if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
      const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(control) + i * sizeof fd, sizeof fd);
        descriptors.emplace_back(fd);
      }
    }
    return descriptors;
  }

  msghdr* get() { return &header_; }
  bool truncated() const { return (header_.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0; }

 private:
  msghdr header_{};
  iovec bytes_;
  std::vector<std::byte> control_;  ///< as aligned as what operator new gives
};

/// The transfer after the names are known: sends to all while it accepts from all, so no order of ranks can block it.
class Transfer {
 public:
  Transfer(const Communicator& comm, const std::vector<Address>& addresses, const UniqueFd& listener,
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
    Introduction introduction{.from_rank = comm_.rank(), .to_rank = peer};
    std::copy_n(addresses_[peer].ticket.begin(), kTicketChars, introduction.ticket.begin());
    FdMessage message(introduction, mine_.size());
    message.attach(mine_);
    if (::sendmsg(socket.get(), message.get(), MSG_NOSIGNAL) == sizeof introduction) return true;
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
    Introduction introduction{.magic = 0};
    FdMessage message(introduction, mine_.size());
    const ssize_t length = ::recvmsg(connection.get(), message.get(), MSG_CMSG_CLOEXEC);
    if (length <= 0) return length < 0 && (errno == EAGAIN || errno == EINTR) ? Word::not_yet : Word::closed;
    auto descriptors = message.take_descriptors();
    const std::string& ticket = addresses_[comm_.rank()].ticket;
    const int from = introduction.from_rank;
    const bool known = length == sizeof introduction && introduction.magic == kMagic &&
                       std::equal(ticket.begin(), ticket.end(), introduction.ticket.begin()) &&
                       introduction.to_rank == comm_.rank() && from >= 0 && from < comm_.size() && from != comm_.rank();
    if (!known) return Word::not_ours;
    if (has_come(from)) return Word::ours;
    if (descriptors.size() != mine_.size() || message.truncated()) {
      fail(lost_descriptor(from, descriptors.size(), message.truncated()), from);
    }
    received_[from] = std::move(descriptors);
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
  const std::vector<Address>& addresses_;
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
  Address address{.name = {}, .ticket = make_job_nonce(), .host = host_};
  const UniqueFd listener = make_listener(job_nonce_, comm.world_rank(comm.rank()), address.name);

  std::vector<Address> addresses;
  for (const Blob& blob : comm.allgather(fmt::format("{}: socket names", step), encode(address))) {
    addresses.push_back(decode_address(blob));
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
