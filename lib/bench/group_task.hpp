#pragma once
#include "bench/backend.hpp"
#include "plan/case.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// What a worker does with one CaseGroup: bring up the workspace of every allocator its items name, run the items,
/// close. Collective over the worker's group; the leader (group rank 0) appends rows to context.records.
///
/// An allocator whose bring-up fails in a phase that all ranks left together gets failed rows, and the other goes on.
/// @throws Error when the attempt cannot go on: a kernel gave up, ranks lost each other, the device failed
void run_case_group(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, Backend& backend);

/// What a worker does with a lifecycle group: create ... close, once for each round that the request names
/// (CaseGroup::lifecycle_id, in order), each with one verified allreduce in between; phases timed, leaks counted. One
/// LifecycleRecord each. A round that fails is the last: what it left behind would be blamed on the next.
void run_lifecycles(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, Backend& backend);

/// What a worker does with a library group: opens the library, connects the ranks, runs the cases through it with the
/// backend's buffers, clock and checks. Where some rank cannot use the library the rows are skipped with its reason;
/// where connecting fails they are failed. Replaces backend.kernels by a set that calls the library
/// (library_kernels.hpp).
/// @throws Error when the attempt cannot go on, a connection that timed out included
void run_library_group(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, Backend& backend);

}  // namespace symmbench
