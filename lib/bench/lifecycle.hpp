#pragma once
#include "bench/backend.hpp"
#include "config/worker_config.hpp"
#include "plan/case_group.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// What a worker does with a lifecycle group: create ... close, for as many rounds and as long as the request asks, each
/// with verified operations in between; phases timed, leaks counted. One LifecycleRecord each. Of a fresh group only one round: the rest is for workers of their own. A round that fails is the
/// last of this worker (WorkerContext::stopped_by): what it left behind would be blamed on the next.
void run_lifecycles(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, Backend& backend);

}  // namespace symmbench
