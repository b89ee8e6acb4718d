#pragma once
#include <memory>
#include <vector>

#include "fault/fault_plan.hpp"
#include "memory/shared_memory.hpp"

namespace symmbench {

/// An allocator whose memory is mapped wrongly as this rank sees it: two ranks' blocks in each other's place, or own memory
/// in a peer's.
class FaultyAllocator final : public Allocator {
 public:
  /// `fault`: of seam `memory`; not owned.
  FaultyAllocator(std::unique_ptr<Allocator> inner, const FaultSpec& fault);

  AllocatorKind kind() const override { return inner_->kind(); }
  std::span<const Difference> differences() const override { return inner_->differences(); }
  std::vector<std::unique_ptr<SharedMemory>> allocate_all(const PhaseContext& context, Driver& driver,
                                                          std::span<const MemoryRequest> requests,
                                                          HandleType handle) override;
  std::uint64_t granularity(Driver& driver, HandleType handle) const override {
    return inner_->granularity(driver, handle);
  }
  std::uint64_t allocated_bytes(std::uint64_t requested_bytes, std::uint64_t granularity) const override {
    return inner_->allocated_bytes(requested_bytes, granularity);
  }

 private:
  std::unique_ptr<SharedMemory> struck(const Communicator& comm, Driver& driver, std::uint64_t bytes,
                                       std::unique_ptr<SharedMemory> memory);

  std::unique_ptr<Allocator> inner_;
  const FaultSpec& fault_;
  std::uint64_t met_ = 0;  ///< blocks made so far
};

}  // namespace symmbench
