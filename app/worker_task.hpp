#pragma once
#include "supervise/worker.hpp"

namespace symmbench {

/// What a worker process does with a request: "preflight", or "group" with settings
/// {"config": text of RunConfig, "device": "host"|"cuda", "world_size": n}, label = CaseGroup::id.
void run_worker_task(WorkerContext& context);

}  // namespace symmbench
