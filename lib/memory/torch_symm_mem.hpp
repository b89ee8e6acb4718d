#pragma once
#include "catalog/torch_layouts.hpp"
#include "memory/handle_facts.hpp"
#include "memory/shared_memory.hpp"

namespace symmbench {

/// Which layout a TorchSymmMem of this process has unless it is told: one worker, or plan, is of one configuration. Set
/// before anything is made; the newer one until then.
void use_torch_layout(TorchLayout layout);
TorchLayout torch_layout_in_use();

/// PyTorch's symmetric memory on CUDA: one address range per rank wherever the driver puts it, with data and a signal pad.
/// catalog/torch_layouts.hpp says how releases differ.
///
/// Allocation: create, reserve, map, set_access for the own block, clear it or its pad. Rendezvous: export, exchange, import
/// the peers, then reserve, map, set_access for each.
///
/// With multicast, after that: create and export at rank 0, import at all, add, vote, bind, map. Where any step fails at
/// any rank all go on without.
class TorchSymmMem final : public Allocator {
 public:
  explicit TorchSymmMem(MulticastUse multicast = MulticastUse::off, TorchLayout layout = torch_layout_in_use())
      : multicast_(multicast), layout_(row_of(kTorchLayouts, layout)) {}

  /// FABRIC unless NVML says not supported, when create, export and import in the own process work.
  static HandleChoice upstream_rule(const HandleFacts& rank);

  AllocatorKind kind() const override { return AllocatorKind::torch_symm_mem; }
  std::span<const Difference> differences() const override;
  std::vector<std::unique_ptr<SharedMemory>> allocate_all(const PhaseContext& context, Driver& driver,
                                                          std::span<const MemoryRequest> requests,
                                                          HandleType handle) override;
  std::uint64_t allocated_bytes(std::uint64_t requested_bytes, std::uint64_t granularity) const override;

 private:
  MulticastUse multicast_;
  const TorchLayoutRow& layout_;
};

}  // namespace symmbench
