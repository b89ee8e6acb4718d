#pragma once
#include "bench/backend.hpp"
#include "config/worker_config.hpp"
#include "plan/case_group.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// What a worker does with a case group, by its kind: run_case_group(), run_lifecycles() or run_library_group().
void run_any_group(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, Backend& backend);

}  // namespace symmbench
