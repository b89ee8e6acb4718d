#pragma once
#include <algorithm>
#include <cstdint>
#include <span>

namespace symmbench {

/// Every bound on a wait has its origin here: fixed ones for what no work explains, and functions of the work for the
/// rest. All of it is arithmetic; whoever waits takes a Deadline (core/clock.hpp) of the seconds that come out.

namespace deadline {

// ---- start-up and end: between ranks that are not yet, or no more, led by a coordinator. MpiSession widens them by what
//      its host is known to be busy with
inline constexpr int kGivenUpStatus = 3;     ///< exit code of a process whose start-up never ended: no verdict
inline constexpr double kMpiInit_s = 60;     ///< MPI_Init, which waits for every process that mpirun has started
inline constexpr double kMpiInitLook_s = 5;  ///< by then an ordinary start is over: who has not come is named
inline constexpr double kStartRound_s = 30;  ///< one round of the start-up, from rank 0's arrival to the last rank's
inline constexpr double kFinalize_s = 10;    ///< MPI_Finalize, after all ranks have agreed to leave
// ---- between a supervisor and its own worker
inline constexpr double kContext_s = 60;         ///< creating a device context, up to a minute where many GPUs start
inline constexpr double kTellSupervisor_s = 10;  ///< the supervisor reads its channel at all times
inline constexpr double kFirstWork_s =
    60;  ///< for a worker to hear what it is to do; a supervisor's end closes the channel
// ---- between supervisors, where nothing is short of processors; Deadlines has what these are on a busy machine
inline constexpr double kDieWithin_s = 5;  ///< SIGKILL works at once, but for a driver call that cannot be stopped
inline constexpr double kSettle_s = 2;  ///< after a first wait in vain: for what the others say, before all are stopped
inline constexpr double kStop_s = 8;    ///< for a supervisor to answer a stop; longer, and its rank is lost
inline constexpr double kLeastLeader_s = 8;    ///< without a word of rank 0 while it runs something, at least
inline constexpr double kBetweenRuns_s = 120;  ///< rank 0 decides on the device, folds a report, writes it
inline constexpr double kBeat_s = 1;           ///< from one sign of life to the next
inline constexpr double kSilent_s = 5;         ///< several beats missed
inline constexpr double kFinish_s = 5;         ///< all ranks' farewells
inline constexpr double kBisect_s = 50;        ///< `run --bisect`, from the last case to its answer
// ---- for a file system, which may be a server's that is out of reach: whoever asks it waits without end
inline constexpr double kFileSystem_s = 8;  ///< to answer, where a file is read or a document written
inline constexpr double kRecord_s = 3;      ///< to take a record during a run; who waits for longer would seem frozen
// ---- after a signal. Launchers send SIGKILL one second after SIGTERM; what follows (a report, a journal) must fit in as
//      well, so these are never widened
inline constexpr double kInterruptedRun_s = 0.15;    ///< for what workers still had to say
inline constexpr double kInterruptedServe_s = 0.7;   ///< for rank 0's exit code
inline constexpr double kInterruptedFinish_s = 0.2;  ///< farewells
inline constexpr unsigned kLeaveWithin_s = 5;        ///< then the kernel ends the process

/// For a file system to take a document of `bytes`.
constexpr double writing_s(double bytes) { return kFileSystem_s + bytes / 5e6; }

}  // namespace deadline

/// Waits between ranks, the inner one always the shorter, so that it fires first and says most: a kernel gives up, then
/// the stream that it is in, then the round that waits for its rank, then the watchdog that kills the worker.
struct Deadlines {
  double kernel_wait_s, stream_s, round_s, watchdog_s;
  // No part of --timeout, and never shorter than in namespace deadline: of supervisors, and of a worker with its own.
  double settle_s, die_s, stop_s, leader_s;
  double silent_s, between_runs_s, finish_s;
  double context_s, tell_s;
};

/// How many times longer than measured, or assumed, work may take before it counts as stuck.
inline constexpr double kWorkFactor = 4;

/// Signs of life and farewells are widened by no more: who gives them has slept, and the kernel gives such a task a core
/// soon, however many others want one.
inline constexpr double kMostOfSigns = 2;

/// `timeout_s`: --timeout, of a round. `scale`: what multiplies all: --deadline-scale times widening(). `work_s`:
/// what a step may take for its bytes, when the machine does nothing else.
constexpr Deadlines deadlines_of(double timeout_s, double scale, double work_s = 0) {
  const double base_s = (timeout_s + kWorkFactor * work_s) * scale;
  const double busy = std::max(scale, 1.0);
  const double signs = std::min(busy, kMostOfSigns);
  return {.kernel_wait_s = base_s / 2,
          .stream_s = base_s * 3 / 4,
          .round_s = base_s,
          .watchdog_s = base_s * 3 / 2,
          .settle_s = deadline::kSettle_s * busy,
          .die_s = deadline::kDieWithin_s * busy,
          .stop_s = deadline::kStop_s * busy,
          .leader_s = std::max(base_s * 3 / 2, deadline::kLeastLeader_s * busy),
          .silent_s = deadline::kSilent_s * signs,
          .between_runs_s = deadline::kBetweenRuns_s * busy,
          .finish_s = deadline::kFinish_s * signs,
          .context_s = deadline::kContext_s * busy,
          .tell_s = deadline::kTellSupervisor_s * busy};
}

// ---- deadlines of work

/// What a worker may take for work of `expected_s`: that many times as long, and what it may take for nothing.
constexpr double allowance_s(const Deadlines& deadlines, double expected_s) {
  return deadlines.round_s + kWorkFactor * expected_s;
}

/// The most iterations of `iteration_s` each that a batch may have: a longer one would hide a stuck rank for more than
/// two rounds, so it is split. At least 1.
std::uint64_t longest_batch(const Deadlines& deadlines, double iteration_s);

/// `iterations` in equal parts, none above `longest`: the size of a part.
std::uint64_t split_batch(std::uint64_t iterations, std::uint64_t longest);

/// Time of one iteration that nobody has measured so far, far above what was ever seen: `sent_bytes` by each of `ranks`
/// ranks. Emulated ranks share a few cores.
double assumed_iteration_s(int ranks, double sent_bytes, bool emulated);

/// Time to create and fill `bytes` of workspace in each of `ranks` ranks, as far above.
double assumed_fill_s(int ranks, double bytes, bool emulated);

// ---- machines that are busy

/// One host of the run.
struct HostLoad {
  double cores = 1;    ///< that the ranks may use: affinity and the container's quota
  double load_1m = 0;  ///< runnable tasks, mean over a minute, of everybody
  int ranks = 1;       ///< of this run
};
inline constexpr double kMostWidening = 8;

/// How many tasks share a core of the busiest host, between 1 and kMostWidening: what --timeout promises for a machine
/// with a core for every task is multiplied by it.
double widening(std::span<const HostLoad> hosts);
double widening(const HostLoad& host);

}  // namespace symmbench
