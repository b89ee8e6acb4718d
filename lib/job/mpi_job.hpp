#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "comm/transport.hpp"
#include "config/worker_config.hpp"
#include "core/clock.hpp"
#include "job/run_log.hpp"
#include "journal/forgiving_journal.hpp"
#include "supervise/supervisor.hpp"

namespace symmbench {

/// How a job runs, whatever its work is. The same on every rank.
struct JobOptions {
  std::string command;    ///< "symmbench run": begins messages
  std::string job_nonce;  ///< same on all ranks (comm/job_nonce.hpp)
  int group_size = 0;     ///< ranks per group; divides the world
  Deadlines deadlines{};
  bool isolate = true;                ///< workers are processes of their own
  double time_limit_s = 0;            ///< of all work together, from the job's construction on; 0: none
  WorkerTask task;                    ///< what workers do without isolation; with it they start as `symmbench worker`
  ChannelFaults channel_faults = {};  ///< provoked between this rank's supervisor and its worker
  std::function<std::vector<Json>()> host_news = {};  ///< as WorkerKeeper::Options has it; one rank's of each host
};

/// One rank's part in a job under mpirun: its supervisor and its journal, until the code that all ranks leave with is
/// known. Rank 0 coordinates: run() and append() as often as needed, then finish() once. The others serve().
class MpiJob {
 public:
  /// Not owned and alive as long as this: `transport`; `journal`, null where there is none. `no_journal`: why there is
  /// none although one is wanted, which the report will say.
  MpiJob(Transport& transport, JobOptions options, JournalWriter* journal,
         const std::optional<Failure>& no_journal = std::nullopt);

  int rank() const { return transport_.rank(); }
  int world_size() const { return transport_.size(); }
  /// JobOptions::deadlines, for work before more is known of the machines.
  const Deadlines& deadlines() const { return deadlines_; }

  /// Rank 0: `listener` hears every record from now on, of all ranks, as it comes in, after those that listen already.
  /// Not owned; alive until finish().
  void listen(RecordSink& listener) { log_.listen(listener); }
  /// Rank 0: the work of each group of ranks, or the same for all; ends with the job's time limit at the latest, and
  /// after `within_s` where that is given (kTimeLimit).
  RunOutcome run(const GroupWork& work, std::optional<double> within_s = std::nullopt);
  RunOutcome run(const std::vector<WorkRequest>& work);
  /// Rank 0: a record of the job itself, for its journal and its log.
  void append(const Json& record);
  /// Rank 0: the records of all ranks so far, as RunLog keeps them; what a report is folded from.
  std::vector<Json> records() const { return log_.records(); }
  /// The same, of one type.
  std::vector<Json> records_of(std::string_view type) const { return log_.records_of(type); }
  /// Rank 0: tells all ranks to leave with `exit_code`; bounded. With `journals_redundant` every rank removes its
  /// journal, rank 0 only after an orderly end.
  void finish(int exit_code, bool journals_redundant);

  /// Other ranks: the code that rank 0 said in finish(), or as Supervisor::serve() has it when it said nothing in time.
  int serve();

  /// After finish() or serve(): the end was agreed between all ranks, so that something collective may follow.
  bool orderly() const { return orderly_; }

 private:
  /// Any rank: for rank 0's log.
  void tell(const Json& event);

  Transport& transport_;
  const Deadlines deadlines_;
  const Deadline time_limit_;
  RunLog log_;  ///< rank 0's
  ForgivingJournal journal_;
  Supervisor supervisor_;
  bool orderly_ = false;
};

}  // namespace symmbench
