#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "comm/faulty_socket.hpp"
#include "comm/transport.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// Bounds count until requests bring their own (WorkRequest::deadlines, core/deadlines.hpp).
struct SupervisorOptions {
  std::string job_nonce;   ///< same on all ranks
  int group_size = 0;      ///< ranks per group; divides the world
  double round_s = 20;     ///< how long a round waits for its last rank
  double watchdog_s = 30;  ///< added to what a worker allows itself before it is taken for hung
  double settle_s = deadline::kSettle_s;
  double stop_s = deadline::kStop_s;
  double leader_s = deadline::kBetweenRuns_s;  ///< without a word from rank 0 while it runs something: rank 0 is lost
  LastingBounds lasting = {};
  bool isolate = true;  ///< false: the worker is a thread of this process; a crash ends the job, a hang the run
  std::vector<std::string> worker_argv;               ///< how to start a worker: {"/proc/self/exe", "worker"}
  WorkerTask task;                                    ///< for isolate == false
  ChannelFaults channel_faults = {};                  ///< provoked between this supervisor and its worker
  std::function<std::vector<Json>()> host_news = {};  ///< as WorkerKeeper::Options has it
};

/// The requests of one group of ranks, in order. Case ids name the group, so each group has its own.
using GroupWork = std::function<std::vector<WorkRequest>(int group)>;

/// RunOutcome::interrupted_by of a run whose time was up.
inline constexpr std::string_view kTimeLimit = "time limit";

/// How a run() ended.
struct RunOutcome {
  bool interrupted = false;
  /// "SIGTERM (from the launcher)" (supervise/signals.hpp), "rank 2's process died", "lost rank 3", "time limit", or what
  /// the transport said
  std::string interrupted_by;
};

/// One per MPI rank. Never touches the device. Rank 0 also holds the coordinator of every group.
/// While it lives, SIGTERM and SIGINT are noted instead of killing the process (supervise/signals.hpp).
/// Workers die with the thread that calls run() or serve(): the main thread, in the tool.
class Supervisor {
 public:
  /// `own_journal`, which must not throw, hears every record that this rank's worker makes and, on rank 0, the
  /// coordinators' own; `all_records`, on rank 0, those of all ranks. Not owned; `transport` neither.
  /// @throws Error{supervisor, invalid_argument} unless group_size divides the world
  Supervisor(Transport& transport, SupervisorOptions options, RecordSink& own_journal, RecordSink* all_records);
  ~Supervisor();

  /// Rank 0: runs each request of a group's work in order, on all groups of ranks at the same time; groups advance
  /// independently. A worker that crashes, exits or hangs becomes FailureRecords and its group goes on with a fresh
  /// worker. Call it as often as needed. Interrupted by a signal it returns within 200 ms, and every later run() at
  /// once.
  RunOutcome run(const GroupWork& work_of_group, double time_limit_s);
  /// The same with equal work for every group.
  RunOutcome run(const std::vector<WorkRequest>& work, double time_limit_s);

  /// Rank 0: tells all ranks to leave with `exit_code`, and `farewell` besides. Bounded. True when every rank answered;
  /// otherwise nothing collective may follow (no MPI_Finalize: leave with _exit).
  bool finish(int exit_code, const Json& farewell = nullptr);

  /// Other ranks: serve until finish(); the agreed exit code, or 3 when interrupted and rank 0 said nothing in time, 1
  /// when rank 0's process died, 4 when it stood still; why goes to the journal and to stderr.
  /// Before it answers finish() it calls `last_duty` with the farewell.
  int serve(const std::function<void(const Json& farewell)>& last_duty = {});
  /// After serve(): the end was agreed with rank 0, so that something collective may follow.
  bool orderly() const;

  /// Any rank: a record of this process itself for `all_records`, with the next run(). @throws as the transport
  void tell(const Json& record);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace symmbench
