#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>

namespace symmbench {

/// Who else connected to this process's sockets, whose names anybody on the machine can read. No fault of any rank.
struct Strangers {
  std::uint64_t foreign = 0;     ///< connections of other users, refused at once
  std::uint64_t silent = 0;      ///< of this user, that never said anything
  std::uint64_t ticketless = 0;  ///< of this user, that said something without the ticket
  uid_t last_uid = 0;
  pid_t last_pid = 0;  ///< 0: in another process namespace

  bool any() const { return foreign + silent + ticketless > 0; }
};

/// "connections of strangers: 12 of other users, 3 silent; the last of uid 65534, pid 812". @pre seen.any()
std::string describe(const Strangers& seen);

/// Adds to what this process has seen. Callable from any thread.
void note_strangers(const Strangers& seen);
/// What was noted since the last call, by any thread.
Strangers take_strangers();

}  // namespace symmbench
