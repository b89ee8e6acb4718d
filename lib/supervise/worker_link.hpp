#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "comm/frame_channel.hpp"
#include "supervise/heartbeat_page.hpp"
#include "supervise/messages.hpp"
#include "supervise/worker_process.hpp"

namespace symmbench {

/// How to run a worker.
struct WorkerLaunch {
  bool isolate = true;
  std::vector<std::string> argv;                  ///< for isolate
  WorkerTask task;                                ///< for a thread
  double start_s = 30;                            ///< until the worker must have written its own allowance
  std::vector<ChannelFault> channel_faults = {};  ///< that strike the supervisor's end of the channel
};

/// One worker life as its supervisor holds it: channel, page, and the process or thread at the other end. Nothing
/// waits.
class WorkerLink {
 public:
  /// Starts the worker and queues its assignment. @throws Error{supervisor, io_error}
  WorkerLink(const WorkerLaunch& launch, const WorkerAssignment& assignment);
  ~WorkerLink();

  FrameChannel& channel() { return *channel_; }
  /// Of the worker's process; 0 for a thread.
  int pid() const { return process_ ? process_->pid() : 0; }
  PageSnapshot snapshot() const;
  /// running, exited or signalled. Once it is not running, everything the worker ever sent can be received.
  WorkerEnd poll();
  /// Ends a process at once. A thread can only be cut off; it ends at its next word to its supervisor.
  void kill();

 private:
  struct Thread;
  std::unique_ptr<FrameChannel> channel_;
  std::shared_ptr<HeartbeatPage> page_;
  std::unique_ptr<WorkerProcess> process_;
  std::shared_ptr<Thread> thread_;
};

}  // namespace symmbench
