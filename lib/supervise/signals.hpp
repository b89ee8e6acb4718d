#pragma once
#include <signal.h>

#include <array>
#include <string>

namespace symmbench {

/// What launchers, batch systems and people send to end a job, or to warn it that its time is over. Some send it to every
/// process of the job: workers have these blocked (WorkerProcess), so that the supervisor decides what becomes of them.
inline constexpr std::array kEndingSignals{SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

/// Asks the kernel for a SIGTERM when the parent (mpirun, or its daemon on this host) dies, even by SIGKILL, so that a
/// rank never outlives its job, whatever signals its launcher had blocked or ignored. Call it first thing in main().
void die_with_parent();

/// While one lives, kEndingSignals are only noted (any number of them may live; they share the note). The first also arms
/// an alarm: a process that has not left on its own within deadline::kLeaveWithin_s is killed by the kernel. One that was
/// ignored (nohup) stays so. What was in place before comes back with the last one.
class SignalWatch {
 public:
  SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  ~SignalWatch();

  /// 0, or the first of them that came.
  int received() const;
  /// What is known of it: "SIGTERM (from the launcher)", which also makes a SIGTERM of every Ctrl-C;
  /// "SIGINT (from the terminal)"; "SIGTERM (from pid 4711, bash)"; its name alone when this process sent it itself.
  std::string cause() const;
};

}  // namespace symmbench
