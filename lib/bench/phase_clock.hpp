#pragma once
#include <string>
#include <utility>
#include <vector>

#include "comm/collective_phase.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// Listens to a workspace's phases: keeps how long each took on this rank, and tells the heartbeat page.
class PhaseClock final : public PhaseObserver {
 public:
  /// `allowed_s`: what one phase may take before the supervisor looks after it.
  PhaseClock(Heartbeat& heartbeat, double allowed_s) : heartbeat_(heartbeat), allowed_s_(allowed_s) {}

  void entered(Phase phase) override {
    heartbeat_.phase(phase);
    heartbeat_.allow(allowed_s_);
  }
  void left(Phase phase, double span_us, const std::optional<Failure>&) override;

  /// Sum per phase, in the order in which phases were first entered.
  const std::vector<std::pair<Phase, double>>& spans_us() const { return spans_us_; }
  void clear() { spans_us_.clear(); }

 private:
  Heartbeat& heartbeat_;
  double allowed_s_;
  std::vector<std::pair<Phase, double>> spans_us_;
};

}  // namespace symmbench
