#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "comm/communicator.hpp"
#include "comm/rank_host.hpp"
#include "core/unique_fd.hpp"

namespace symmbench {

/// Gives every rank's descriptors to every other rank, all of them in one message: SCM_RIGHTS over sockets with abstract names, which need no file
/// system and vanish with their owner. The name is bound before the ranks gather the names, so nobody can come too
/// early. Names are public in /proc/net/unix, so a connection of another user is refused, and each receiver makes a
/// secret ticket that travels with its name over the communicator only: a connection that does not show it is a
/// stranger's and is closed, one that stays silent is when others come (comm/strangers.hpp counts them).
///
/// Descriptors in use while it runs: the result, three, and one for each connection that was accepted before its
/// message was there.
class FdExchange {
 public:
  /// `job_nonce` goes into the socket names, to tell jobs apart in `ss -xl`; "": an own random one.
  /// `host` says who shares an OS with whom; give another one to emulate several hosts.
  explicit FdExchange(std::string job_nonce = "", HostIdentity host = host_of_this_rank().identity);

  /// Collective; every rank brings the same number, 1 to 253. By group rank its descriptors in their order,
  /// owned by the caller; the own ones are duplicates of `mine`. All of them are close-on-exec. Takes at most two steps' time.
  /// @throws Error{comm, not_supported} on every rank, naming two ranks that are not on one host and how they differ;
  ///         Error{comm, timed_out} naming the first peer that did not send, or could not be sent to, in time;
  ///         Error{comm, peer_failed} naming a peer whose socket is gone;
  ///         Error{environment, capacity_exceeded} naming RLIMIT_NOFILE when out of descriptors;
  ///         Error{comm, io_error} otherwise, without a code where the kernel gave none (a descriptor that it dropped).
  ///         Nothing stays open on any of these paths.
  std::vector<std::vector<UniqueFd>> exchange(Communicator& comm, std::string_view step,
                                              std::span<const UniqueFd> mine);
  /// The same of one descriptor each.
  std::vector<UniqueFd> exchange(Communicator& comm, std::string_view step, const UniqueFd& mine);

 private:
  std::string job_nonce_;
  HostIdentity host_;
};

/// FdExchange(job_nonce).exchange(comm, step, mine)
std::vector<UniqueFd> exchange_fds(Communicator& comm, std::string_view step, std::string_view job_nonce,
                                   const UniqueFd& mine);

}  // namespace symmbench
