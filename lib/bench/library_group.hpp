#pragma once
#include "bench/backend.hpp"
#include "config/worker_config.hpp"
#include "plan/case_group.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// What a worker does with a library group: opens the library, connects the ranks, runs the cases through it with the
/// backend's buffers, clock and checks. Where some rank cannot use the library the rows are skipped with its reason;
/// where connecting fails they are failed. Replaces backend.kernels by a set that calls the library
/// (library_kernels.hpp).
/// @throws Error when the attempt cannot go on, a connection that timed out included
void run_library_group(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, Backend& backend);

}  // namespace symmbench
