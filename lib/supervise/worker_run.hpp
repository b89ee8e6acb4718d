#pragma once
#include "comm/frame_channel.hpp"
#include "supervise/heartbeat_page.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

inline constexpr int kWorkerDoneStatus = 0;
inline constexpr int kWorkerFailedStatus = 1;

/// One worker life on an open channel: hears its assignment, runs `task`, says how it went. Never throws; the result is
/// the exit status. Used by worker_main and by the worker threads of --isolation none.
int run_worker(FrameChannel& channel, HeartbeatPage& page, const WorkerTask& task);

}  // namespace symmbench
