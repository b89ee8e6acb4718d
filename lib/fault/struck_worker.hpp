#pragma once
#include <optional>

#include "fault/faulty_communicator.hpp"
#include "fault/faulty_heartbeat.hpp"
#include "kernels/kernel_set.hpp"
#include "memory/shared_memory.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// Everything that a plan puts around one worker: its context, driver, kernels and allocators are handed through here, and
/// come back as they were where nothing is planned for the rank.
class StruckWorker {
 public:
  /// Not owned: `context` and `plan` outlive this.
  StruckWorker(WorkerContext& context, const FaultPlan& plan);

  /// What the task works with.
  WorkerContext& context() { return struck_ ? *struck_ : context_; }
  std::vector<DriverFault> driver_faults() const;
  std::unique_ptr<KernelSet> around(std::unique_ptr<KernelSet> kernels) const;
  std::unique_ptr<Allocator> around(std::unique_ptr<Allocator> allocator) const;

  /// Records what was provoked at this rank and has not been told when it struck.
  void tell() const;

 private:
  /// Records that a fault struck so often; nullopt: not counted.
  void tell(const FaultSpec& spec, std::optional<std::uint64_t> times) const;

  WorkerContext& context_;
  const FaultPlan& plan_;
  int world_rank_;
  std::optional<FaultyHeartbeat> heartbeat_;
  std::optional<FaultyCommunicator> comm_;
  std::optional<WorkerContext> struck_;
};

}  // namespace symmbench
