#pragma once
#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "comm/strangers.hpp"
#include "core/unique_fd.hpp"

namespace symmbench {

/// Connections to a listening socket whose name is public: none of another user, and few of anybody who stays silent.
class PendingConnections {
 public:
  /// What became of a connection that was read.
  enum class Word { not_yet, ours, not_ours, closed };
  using Read = std::function<Word(const UniqueFd& connection)>;

  /// Keeps at most `most` connections that said nothing, and kMostOfOne of one process; of more, the oldest is closed:
  /// a peer that was merely slow connects again.
  PendingConnections(const UniqueFd& listener, std::size_t most) : listener_(listener), most_(most) {}
  PendingConnections(const PendingConnections&) = delete;
  PendingConnections& operator=(const PendingConnections&) = delete;
  /// Notes the strangers (comm/strangers.hpp).
  ~PendingConnections() { note_strangers(strangers()); }

  /// Reads those that are pending and whatever is in the listener's queue. @throws what `read` throws; Error{comm |
  /// environment} of accept4
  void take(const Read& read);

  /// Who came without being a peer, so far.
  Strangers strangers() const;
  std::vector<int> descriptors() const;

  static constexpr std::size_t kMostOfOne = 16;

 private:
  struct Connection {
    UniqueFd socket;
    ucred peer{};
  };

  /// True when the connection is done with.
  bool read_one(const Connection& connection, const Read& read);
  void keep(Connection connection);
  void drop_oldest(const std::function<bool(const Connection&)>& matches);

  const UniqueFd& listener_;
  const std::size_t most_;
  std::vector<Connection> pending_;  ///< oldest first
  Strangers seen_;                   ///< without the silent
  std::map<pid_t, std::uint64_t> silent_;
  std::set<pid_t> peers_;  ///< that showed the ticket: slow at times, no strangers
};

}  // namespace symmbench
