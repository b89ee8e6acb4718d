#pragma once
#include <functional>

#include "comm/collective_phase.hpp"

namespace symmbench {

/// Collective. `step`, which is collective and gives everything back when it fails, again by all ranks together while
/// each failure in it is the driver's 802, system not ready: a few times, after waits that double and end with a
/// fraction of the communicator's step timeout. No other failure is ever tried again. The waits are part of phase create.
/// `retried`: hears on every rank of the failure that the next try follows; may be empty.
/// @throws what the last try threw
void retry_not_ready(const PhaseContext& context, const std::function<void()>& step,
                     const std::function<void(const Failure&)>& retried);

}  // namespace symmbench
