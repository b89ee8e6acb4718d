#pragma once
#include "memory/handle_facts.hpp"
#include "memory/shared_memory.hpp"

namespace symmbench {

/// PyTorch's symmetric memory on CUDA, newest layout: one address range per rank wherever the driver puts it; signal
/// pad first, data behind it.
///
/// Allocation: create, reserve, map, set_access for the own block, clear its pad. Rendezvous: export, exchange, import
/// the peers, then reserve, map, set_access for each.
///
/// With multicast, after that: create and export at rank 0, import at all, add, vote, bind, map. Where any step fails at
/// any rank all go on without.
class TorchSymmMem final : public Allocator {
 public:
  explicit TorchSymmMem(MulticastUse multicast = MulticastUse::off) : multicast_(multicast) {}

  /// FABRIC unless NVML says not supported, when create, export and import in the own process work.
  static HandleChoice upstream_rule(const HandleFacts& rank);

  AllocatorKind kind() const override { return AllocatorKind::torch_symm_mem; }
  std::span<const Difference> differences() const override;
  std::unique_ptr<SharedMemory> allocate(const PhaseContext& context, Driver& driver, std::uint64_t bytes,
                                         HandleType handle) override;
  std::uint64_t allocated_bytes(std::uint64_t requested_bytes, std::uint64_t granularity) const override;

 private:
  MulticastUse multicast_;
};

}  // namespace symmbench
