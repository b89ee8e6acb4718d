#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "comm/communicator.hpp"
#include "comm/host_identity.hpp"
#include "core/unique_fd.hpp"

namespace symmbench {

/// Where a rank's descriptors are sent to: what it tells the others of its group over the communicator.
struct FdAddress {
  std::string name;    ///< of a socket, abstract: without the leading zero byte
  std::string ticket;  ///< that whoever sends to it must show; make_job_nonce()
  HostIdentity host;
};
Blob encode(const FdAddress& address);
/// @throws Error{comm, corrupted}, also for a ticket that make_job_nonce() cannot have made
FdAddress decode_fd_address(std::span<const std::byte> message);

/// Sends the one message of a connection: who sends to whom, with the ticket of `to`'s address, and `fds`. Group ranks.
/// False: it was not sent, and errno says why. @pre 1 to 253 descriptors
bool send_fds(const UniqueFd& socket, const FdAddress& address, int from, int to, std::span<const int> fds);

/// What came over a connection that anybody on the host may have made.
struct FdArrival {
  enum class Kind {
    not_yet,   ///< nothing so far
    closed,    ///< nothing, and nothing will
    stranger,  ///< a message without the ticket, or for another rank, or of no rank of the group
    peer,      ///< a message of `from`
  };
  Kind kind = Kind::not_yet;
  int from = -1;                      ///< group rank
  std::vector<UniqueFd> descriptors;  ///< of a peer: all that came; a stranger's are closed
  bool truncated = false;             ///< the kernel dropped some of them, or of the message
};

/// Reads the message that is there, if one is. `own_rank`: this rank's in a group of `ranks`, whose ticket is `ticket`.
/// Room is made for `descriptors_wanted`; that as many came is for the caller to see.
FdArrival receive_fds(const UniqueFd& connection, const std::string& ticket, int own_rank, int ranks,
                      std::size_t descriptors_wanted);

}  // namespace symmbench
