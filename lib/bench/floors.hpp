#pragma once
#include "bench/backend.hpp"
#include "journal/records.hpp"
#include "supervise/worker.hpp"
#include "workspace/workspace.hpp"

namespace symmbench {

/// Collective. Measures what the links and launches of this group can do at best, over the mappings of `workspace`, in
/// some 50 ms: graphs of many launches after a device barrier, the worst rank of each batch, the median of the batches.
/// Only the comm segment is written; its contents do not matter between calls. The same figures on every rank; the
/// caller fills in what the mappings are called.
/// @pre backend.probe, a group of two ranks at least
/// @throws PhaseFailed when a rank failed: Workspace::reset() before the next call, as a wait may have given up;
/// Error{comm} when the ranks lost each other
FloorsRecord measure_floors(WorkerContext& context, Backend& backend, Stream& stream, Workspace& workspace);

}  // namespace symmbench
