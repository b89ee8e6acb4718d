#pragma once
#include "core/clock.hpp"
#include "supervise/worker_keeper.hpp"

namespace symmbench {

/// Waits a moment for news of this rank's worker or of other ranks, of which the last came at `last_event`: first with
/// the processor given away at once (a round's answer is microseconds away), then in short naps, then in naps that cost
/// nothing. MPI offers no descriptor to wait on, which is why there is no waiting without end. `busy`: some rank waits
/// for others right now.
void idle_wait(const WorkerKeeper& keeper, bool busy, Clock::time_point last_event);

}  // namespace symmbench
