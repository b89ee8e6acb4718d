#pragma once
#include <memory>
#include <vector>

#include "fault/fault_plan.hpp"
#include "kernels/forwarding_kernels.hpp"

namespace symmbench {

/// Kernels of a rank that launches other grids than its peers, or stores to where nothing of its own lies.
class FaultyKernels final : public ForwardingKernels {
 public:
  /// The specs are of seam `kernel`; not owned. `announce` hears of each where it strikes first: the worker may be ended
  /// over it.
  FaultyKernels(std::unique_ptr<KernelSet> inner, std::vector<const FaultSpec*> faults, int world_rank,
                Announce announce);

  void allreduce(Stream& stream, const AllreduceCall& call) override;

 private:
  std::vector<const FaultSpec*> faults_;
  int world_rank_;
  Announce announce_;
  std::uint64_t calls_ = 0;
};

}  // namespace symmbench
