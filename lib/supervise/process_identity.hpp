#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

/// Who a process is, so that another one can look for it later and not take a stranger with its pid for it.
struct ProcessIdentity {
  std::string host;                 ///< name, for people
  std::string boot_id;              ///< of the running OS
  std::string pid_namespace;        ///< in which `pid` counts
  std::string time_namespace = {};  ///< in which its steady clock counts
  int pid = 0;
  std::uint64_t started = 0;  ///< ticks since boot

  /// "node1, pid 4711"; "an unknown host" where nothing was heard.
  std::string text() const;
};

/// In ticks since boot; 0 when there is no such process.
std::uint64_t start_time_of(pid_t pid);

/// Of this process; what cannot be read is empty.
ProcessIdentity this_process();

Json to_json(const ProcessIdentity& identity);
/// Missing keys stay empty.
ProcessIdentity process_identity_from(const Json& json);

/// Whether both read the same steady clock.
bool share_clock(const ProcessIdentity& a, const ProcessIdentity& b);

/// What can be seen of a process from here.
enum class ProcessSight {
  unseen,  ///< on another host or in another pid namespace
  alive,
  stopped,  ///< by a signal or a debugger: it does nothing until somebody continues it
  gone,     ///< dead, also when its parent has not yet taken note
};
ProcessSight look_at(const ProcessIdentity& identity);

/// Whether a process or thread has begun to end, or is gone. A thread that was joined may still be listed for a moment:
/// its exit clears what a join waits for before it leaves the list.
bool is_exiting(pid_t task);

/// By a signal or a debugger: it does nothing until somebody continues it.
bool is_stopped(pid_t pid);

/// nullopt: it is gone, or cannot be seen.
std::optional<pid_t> parent_of(pid_t pid);

/// Of a process: its name (comm), the words that it was started with, and its environment as it was then: "A=1\0B=2". Empty
/// where it is gone or another user's; nullopt, for the environment, where it may not be read.
std::string process_name_of(pid_t pid);
std::vector<std::string> command_line_of(pid_t pid);
std::optional<std::string> environment_of(pid_t pid);

/// "state T (stopped), in do_signal_stop, system call 202": what /proc tells of a process on this host, as far as it may
/// be read; empty when it is gone.
std::string proc_evidence(pid_t pid);

/// Whether a process that has not been reaped was seen to be being killed already, by whomever; false where nothing can be
/// seen.
bool is_being_killed(pid_t pid);

}  // namespace symmbench
