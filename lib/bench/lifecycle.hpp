#pragma once
#include "bench/backend.hpp"
#include "config/worker_config.hpp"
#include "plan/case_group.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// What a worker does with a lifecycle group: create ... close, once for each round that the request names
/// (CaseGroup::lifecycle_id, in order), each with one verified allreduce in between; phases timed, leaks counted. One
/// LifecycleRecord each. A round that fails is the last: what it left behind would be blamed on the next.
void run_lifecycles(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, Backend& backend);

}  // namespace symmbench
