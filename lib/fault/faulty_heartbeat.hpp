#pragma once
#include <vector>

#include "fault/fault_plan.hpp"
#include "supervise/work_point.hpp"

namespace symmbench {

/// Hands a worker's signs of life on, and does to the worker, or to its supervisor, what is planned for the phase that it
/// enters. Knows the phase for the other seams.
class FaultyHeartbeat final : public PointHeartbeat {
 public:
  /// Not owned: `page` and `request`, as PointHeartbeat; the specs, which are of seam `point`. `announce` hears of each
  /// before it strikes: there may be no afterwards.
  FaultyHeartbeat(Heartbeat& page, const WorkRequest& request, std::vector<const FaultSpec*> faults, Announce announce);

  std::optional<Phase> phase_now() const { return phase_; }

 private:
  struct Planned {
    const FaultSpec* spec;
    std::uint64_t met = 0;  ///< how often its phase was entered
  };

  void reached(const WorkPoint& point) override;

  std::vector<Planned> planned_;
  Announce announce_;
  std::optional<Phase> phase_;
};

}  // namespace symmbench
