#pragma once
#include "memory/handle_facts.hpp"
#include "memory/shared_memory.hpp"

namespace symmbench {

/// The control: memory of cudaMalloc, shared by CUDA IPC handles, as workspaces were before they took the
/// virtual-memory calls. One address per peer wherever the driver puts it, no pad, ranks of one OS image only.
///
/// Allocate the own block, export, exchange, open each peer's block; the own address is used as it is, for a handle
/// cannot be opened in the process that exported it. There is no map phase: opening maps.
class CudaIpc final : public Allocator {
 public:
  /// There is one type only.
  static HandleChoice upstream_rule(const HandleFacts& rank);

  AllocatorKind kind() const override { return AllocatorKind::cuda_ipc; }
  std::span<const Difference> differences() const override;
  std::vector<std::unique_ptr<SharedMemory>> allocate_all(const PhaseContext& context, Driver& driver,
                                                          std::span<const MemoryRequest> requests,
                                                          HandleType handle) override;
  /// Whole blocks of 2 MiB, whatever the granularity of mapped memory.
  std::uint64_t granularity(Driver&, HandleType) const override { return kBlockBytes; }
  std::uint64_t allocated_bytes(std::uint64_t requested_bytes, std::uint64_t granularity) const override;

 private:
  // The driver hands out and shares local memory in blocks of 2 MiB: a smaller allocation shares its block with others,
  // and the handle with them. Upstream rounds to whole blocks for that reason.
  static constexpr std::uint64_t kBlockBytes = 2ull << 20;
};

}  // namespace symmbench
