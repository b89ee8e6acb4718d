#pragma once
#include <functional>
#include <string>

#include "comm/communicator.hpp"
#include "journal/records.hpp"
#include "kernels/protocol/view.hpp"
#include "supervise/work.hpp"

namespace symmbench {

/// The worker's side of the heartbeat page: what it is doing and until when that may take. Written without locks, read
/// by the supervisor at any time, also after the worker's death.
class Heartbeat {
 public:
  virtual ~Heartbeat() = default;
  virtual void phase(Phase phase) = 0;
  virtual void item(int index) = 0;  ///< index into WorkRequest::items; -1: none
  /// Whose work it is that is done now; "": no single allocator's. What fails, and who stops moving, is looked for there.
  virtual void allocator(std::string_view name) = 0;
  virtual void iteration(std::uint64_t value) = 0;      ///< a batch has been launched that begins with this iteration
  virtual void driver_call(std::string_view call) = 0;  ///< "" when none is running
  /// The current step must end, or this be called again, within `seconds`; otherwise the supervisor takes it for hung.
  virtual void allow(double seconds) = 0;
  /// In the page: where kernels leave why they gave up. Readable by the supervisor.
  virtual GiveUpRecord* give_up_record() = 0;
};

/// What a task gets to work with, in the worker process (or thread, with --isolation none).
struct WorkerContext {
  const WorkRequest& request;
  Communicator& comm;  ///< over the worker's group
  RecordSink& records;
  Heartbeat& heartbeat;
  std::string job_nonce;
  /// Leader only: item `index`, or round `index` of this worker, has its rows in `records`; a later failure does not
  /// repeat it.
  std::function<void(int index)> item_done;
  /// Set by the task where a round failed, on all ranks, which is recorded: the task returns, and what is left of its
  /// rounds is for a fresh worker.
  std::optional<Failure> stopped_by = std::nullopt;
};

/// Runs the request. Returning normally means done; an Error thrown out of it ends this attempt for the whole group.
using WorkerTask = std::function<void(WorkerContext&)>;

/// main() of a worker process: descriptors 3 (channel) and 4 (heartbeat page) as the supervisor left them. Asks the
/// kernel to kill it with its supervisor first of all. Returns the exit status.
int worker_main(const WorkerTask& task);

}  // namespace symmbench
