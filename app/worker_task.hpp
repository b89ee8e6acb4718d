#pragma once
#include "supervise/worker.hpp"

namespace symmbench {

/// How a supervisor tells its worker its place among the ranks of its host, and its own pid: launchers' variables are
/// many, and the worker does not get them.
inline constexpr const char* kLocalRankVariable = "SYMMBENCH_LOCAL_RANK";
inline constexpr const char* kSupervisorPidVariable = "SYMMBENCH_SUPERVISOR_PID";

/// What a worker process does with a request: "preflight", or "group" with settings
/// {"config": text of RunConfig, "device": "host"|"cuda", "world_size": n}, label = CaseGroup::id.
void run_worker_task(WorkerContext& context);

}  // namespace symmbench
