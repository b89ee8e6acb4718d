#pragma once
#include "bench/allocator_workspace.hpp"
#include "bench/backend.hpp"
#include "journal/records.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// Collective. How long each rank takes to read from each other one's bench segment, each link by itself as far as its
/// reader goes: a link that is slower than the others shows, which no collective's time tells. The same figures on every
/// rank, in a single round and some hundred microseconds for each peer.
/// @throws PhaseFailed when a rank failed; Error{comm} when the ranks lost each other
LinkTimesRecord measure_link_times(WorkerContext& context, Backend& backend, Stream& stream,
                                   const AllocatorWorkspace& ready);

}  // namespace symmbench
