#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "comm/transport.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

struct SupervisorOptions {
  std::string job_nonce;     ///< same on all ranks
  int group_size = 0;        ///< ranks per group; divides the world
  double round_s = 20;       ///< how long a round waits for its last rank
  double watchdog_s = 30;    ///< added to what a worker allows itself before it is taken for hung
  bool isolate = true;       ///< false: the worker is a thread of this process
  std::vector<std::string> worker_argv;  ///< how to start a worker: {"/proc/self/exe", "worker"}
  WorkerTask task;           ///< for isolate == false
};

/// How a run() ended.
struct RunOutcome {
  bool interrupted = false;
  std::string interrupted_by;  ///< "SIGTERM", "SIGINT", "lost rank 3", "time limit"
};

/// One per MPI rank. Never touches the device. Rank 0 also holds the coordinator of every group.
class Supervisor {
 public:
  /// `records` hears every record that this rank's worker makes, and on rank 0 those of all ranks.
  Supervisor(Transport& transport, SupervisorOptions options, RecordSink& own_journal, RecordSink* all_records);
  ~Supervisor();

  /// Rank 0: runs each request of `work` in order, on all groups of ranks at the same time; groups advance independently.
  /// A worker that crashes, exits or hangs becomes FailureRecords and its group goes on with a fresh worker.
  RunOutcome run(const std::vector<WorkRequest>& work, double time_limit_s);

  /// Rank 0: tells all ranks to leave with `exit_code`. Bounded.
  void finish(int exit_code);

  /// Other ranks: serve until finish(); the agreed exit code.
  int serve();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace symmbench
