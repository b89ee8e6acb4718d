#pragma once
#include "bench/backend.hpp"
#include "config/worker_config.hpp"
#include "plan/case_group.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// What a worker does with one CaseGroup: bring up the workspace of every allocator its items name, run the items,
/// close. Collective over the worker's group; the leader (group rank 0) appends rows to context.records.
///
/// An allocator whose bring-up fails in a phase that all ranks left together gets failed rows, and the others go on.
/// @throws Error when the attempt cannot go on: a kernel gave up, ranks lost each other, the device failed
void run_case_group(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, Backend& backend);

}  // namespace symmbench
