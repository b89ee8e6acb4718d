#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "core/unique_fd.hpp"

namespace symmbench {

/// How a worker's life ended, as its supervisor saw it.
struct WorkerEnd {
  enum class Kind {
    running,    ///< it has not
    done,       ///< said that it was done and left with status 0
    failed,     ///< said what failed
    exited,     ///< left without a word; `code` is its status
    signalled,  ///< killed by a signal that its supervisor did not send; `code` is the number
    stopped,    ///< its supervisor killed it
    stuck,      ///< its supervisor killed it and it would not die: it hangs inside the kernel
  };
  Kind kind = Kind::running;
  int code = 0;
};

std::string_view name_of(WorkerEnd::Kind kind);
std::optional<WorkerEnd::Kind> worker_end_kind_from(std::string_view name);
/// "SIGSEGV", or "signal 42" when it has no common name.
std::string signal_name(int signal);

/// The descriptors under which a worker finds its channel and its page.
inline constexpr int kWorkerChannelFd = 3;
inline constexpr int kWorkerPageFd = 4;

/// What a worker's environment is made of: the supervisor's, without what would make a library take the worker for an
/// MPI rank, and with multicast switched off for every library in the process (setting up multicast can take GPUs out
/// of service for everybody; what the emulated device has of it needs no library).
std::vector<std::string> worker_environment(const char* const* environment);

/// A worker process, from posix_spawn to the reaping of it. Ends with the thread that spawned it at the latest, so
/// spawn from one that stays. The destructor kills and reaps.
class WorkerProcess {
 public:
  /// Starts argv[0] with `channel` and `page` as descriptors 3 and 4 and no other but the standard three: stdin is
  /// /dev/null, stdout goes where stderr goes. The process may use every cpu of the machine that its supervisor is
  /// allowed to ask for, is the leader of a process group of its own (an interrupt of the job is the supervisor's to
  /// handle), and has no signal blocked or ignored.
  /// @throws Error{supervisor, io_error} naming the call
  WorkerProcess(const std::vector<std::string>& argv, int channel, int page);
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;
  ~WorkerProcess();

  pid_t pid() const { return pid_; }
  /// Does not wait. `running` until it has ended and was reaped; then always the same. Only running, exited (also with
  /// status 0) and signalled: what it said on its channel is not known here.
  WorkerEnd poll();
  /// SIGKILL to the worker and all that it started, which stopped processes obey too. Harmless when it has ended.
  void kill();

 private:
  pid_t pid_ = -1;
  WorkerEnd end_;
};

}  // namespace symmbench
