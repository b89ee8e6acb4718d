#pragma once
#include "bench/allocator_workspace.hpp"
#include "bench/backend.hpp"
#include "journal/records.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// Collective. Measures what the links and launches of this group can do at best, over the mappings of the
/// bench segment, in some 50 ms: graphs of many launches after a device barrier, the worst rank of each batch, the
/// median of the batches. The same figures on every rank; the caller fills in what the mappings are called.
/// @pre backend.probe, a group of two ranks at least
/// @throws PhaseFailed when a rank failed: AllocatorWorkspace::reset() before the next call, as a wait may have given
/// up; Error{comm} when the ranks lost each other
FloorsRecord measure_floors(WorkerContext& context, Backend& backend, Stream& stream, const AllocatorWorkspace& ready);

}  // namespace symmbench
