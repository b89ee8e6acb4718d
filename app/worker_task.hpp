#pragma once
#include "supervise/worker.hpp"

namespace symmbench {

/// What a worker does with a request: the row of its task in the table of worker_task.cpp.
/// @throws Error{worker, internal} for a task that has none; whatever the task throws
void run_worker_task(WorkerContext& context);

}  // namespace symmbench
