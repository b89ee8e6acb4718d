#pragma once
#include "memory/handle_facts.hpp"
#include "memory/shared_memory.hpp"

namespace symmbench {

/// The TensorRT-LLM style allocator as the unicast workspace uses it: one contiguous address range for all ranks, rank
/// i's block at base + i * block; data first, signal pad behind it.
///
/// create, export, exchange, import every peer, one reservation of W blocks, map each, one set_access over all.
///
/// With multicast as the MNNVL workspace uses it: blocks and ranges rounded to its granularity too; then create and
/// export at rank 0, import at the others, add, map, bind. Without an object the allocation fails.
class SymmDeviceMemory final : public Allocator {
 public:
  explicit SymmDeviceMemory(MulticastUse multicast = MulticastUse::off) : multicast_(multicast) {}

  /// FABRIC by attribute, NVML's fabric state and the first byte of the cluster UUID.
  static HandleChoice upstream_rule(const HandleFacts& rank);

  AllocatorKind kind() const override { return AllocatorKind::symm_device_memory; }
  std::span<const Difference> differences() const override;
  bool reattaches() const override { return multicast_ == MulticastUse::off; }
  std::vector<std::unique_ptr<SharedMemory>> allocate_all(const PhaseContext& context, Driver& driver,
                                                          std::span<const MemoryRequest> requests,
                                                          HandleType handle) override;
  std::uint64_t granularity(Driver& driver, HandleType handle) const override;
  std::uint64_t allocated_bytes(std::uint64_t requested_bytes, std::uint64_t granularity) const override;

 private:
  MulticastUse multicast_;
};

}  // namespace symmbench
