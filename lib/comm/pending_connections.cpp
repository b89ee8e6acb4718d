#include "comm/pending_connections.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "comm/os_error.hpp"

namespace symmbench {
namespace {

/// More than the kernel queues (SOMAXCONN), so that one turn empties the queue and still ends.
constexpr int kMostPerTurn = 8192;

ucred peer_of(const UniqueFd& socket) {
  ucred peer{.pid = 0, .uid = static_cast<uid_t>(-1), .gid = static_cast<gid_t>(-1)};
  socklen_t length = sizeof peer;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length);
  return peer;
}

}  // namespace

void PendingConnections::take(const Read& read) {
  std::erase_if(pending_, [&](const Connection& connection) { return read_one(connection, read); });
  for (int turn = 0; turn < kMostPerTurn; ++turn) {
    Connection connection{.socket =
                              UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC))};
    if (!connection.socket) {
      if (errno == EAGAIN) return;
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if ((errno != EMFILE && errno != ENFILE) || pending_.empty()) throw Error(os_failure("accept4", errno));
      drop_oldest([](const Connection&) { return true; });
      continue;
    }
    connection.peer = peer_of(connection.socket);
    if (connection.peer.uid != ::geteuid()) {
      ++seen_.foreign;
      seen_.last_uid = connection.peer.uid;
      seen_.last_pid = connection.peer.pid;
      continue;
    }
    // Read at once: senders send as soon as they are connected, so few connections are ever held open.
    if (!read_one(connection, read)) keep(std::move(connection));
  }
}

bool PendingConnections::read_one(const Connection& connection, const Read& read) {
  const Word word = read(connection.socket);
  if (word == Word::ours) peers_.insert(connection.peer.pid);
  if (word == Word::not_ours) {
    ++seen_.ticketless;
    seen_.last_uid = connection.peer.uid;
    seen_.last_pid = connection.peer.pid;
  }
  return word != Word::not_yet;
}

void PendingConnections::keep(Connection connection) {
  const pid_t pid = connection.peer.pid;
  const auto of_same = [pid](const Connection& other) { return other.peer.pid == pid; };
  // Processes of other namespaces all have the number 0.
  if (pid != 0 && static_cast<std::size_t>(std::ranges::count_if(pending_, of_same)) >= kMostOfOne)
    drop_oldest(of_same);
  if (pending_.size() >= most_) drop_oldest([](const Connection&) { return true; });
  pending_.push_back(std::move(connection));
}

void PendingConnections::drop_oldest(const std::function<bool(const Connection&)>& matches) {
  const auto oldest = std::ranges::find_if(pending_, matches);
  if (oldest == pending_.end()) return;
  ++silent_[oldest->peer.pid];
  pending_.erase(oldest);
}

Strangers PendingConnections::strangers() const {
  Strangers seen = seen_;
  auto silent = silent_;
  for (const Connection& connection : pending_) ++silent[connection.peer.pid];
  for (const auto& [pid, count] : silent) {
    if (peers_.contains(pid)) continue;
    seen.silent += count;
    seen.last_uid = ::geteuid();
    seen.last_pid = pid;
  }
  return seen;
}

std::vector<int> PendingConnections::descriptors() const {
  std::vector<int> all;
  for (const Connection& connection : pending_) all.push_back(connection.socket.get());
  return all;
}

}  // namespace symmbench
