#pragma once
#include <functional>
#include <optional>

#include "comm/communicator.hpp"
#include "core/error.hpp"

namespace symmbench {

/// Hears when this rank enters and leaves a phase: the heartbeat page, the lifecycle clock, a trace. Never throws.
class PhaseObserver {
 public:
  virtual ~PhaseObserver() = default;
  virtual void entered(Phase phase) = 0;
  /// `span_us` is this rank's own time in the body, without the vote.
  virtual void left(Phase phase, double span_us, const std::optional<Failure>& failure) = 0;
};

/// What a collective set-up step needs besides its own arguments.
struct PhaseContext {
  Communicator& comm;
  PhaseObserver* observer = nullptr;  ///< may be null; not owned
};

/// Whether after this failure the ranks of a group may be at different steps, or wait for each other in vain: nothing
/// collective can follow it, and the attempt ends. Any other failure of a phase leaves them together.
inline bool ranks_lost_each_other(const Failure& failure) {
  return failure.layer == Layer::comm || failure.reason == Reason::timed_out;
}

/// Collective `try`: every rank runs `body`, then the ranks vote, and either all return or all throw PhaseFailed with
/// every rank's failure. `body` must not wait for another rank unless that wait is bounded by the communicator's step
/// timeout: a rank whose own body failed goes straight to the vote.
/// @throws PhaseFailed{phase, failures}; Error{comm, ...} when the vote itself could not be held
void collective_phase(const PhaseContext& context, Phase phase, const std::function<void()>& body);

}  // namespace symmbench
