#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "comm/collective_phase.hpp"
#include "device/driver.hpp"
#include "memory/shared_blocks.hpp"
#include "memory/shared_memory.hpp"

namespace symmbench {

/// Where a rank's memory is, for a rendezvous that looks at it as torch's does.
struct RendezvousPlace {
  std::uint64_t host = 0;             ///< of the running OS
  std::array<char, 64> host_name{};   ///< for people
  std::array<char, 64> device{};      ///< the GPU's UUID; empty: unknown
  std::optional<FabricFacts> fabric;  ///< nullopt: unknown
  bool devices_may_overlap = false;   ///< this rank's TORCH_SYMM_MEM_ALLOW_OVERLAPPING_DEVICES is 1
};

RendezvousPlace place_of(const DeviceFacts& device);

/// What every rank must hold the same value of before a handle travels; but for `place`, of which clusters and cliques
/// must be equal where memory travels by fabric handles, and GPUs must differ unless every rank allows otherwise. What
/// is unknown is not compared.
struct RendezvousRequest {
  std::uint64_t requested_bytes = 0;
  std::uint64_t block_bytes = 0;
  std::uint64_t granularity_bytes = 0;
  std::uint64_t data_offset = 0;
  HandleType handle = HandleType::posix_fd;
  std::optional<RendezvousPlace> place;  ///< nullopt: this allocator does not look
};

/// What a rank brings to the rendezvous of an allocation laid out like this.
RendezvousRequest request_of(const SharedMemoryFacts& facts, HandleType handle);

/// Collective: every rank sees the same table, so all of them throw or none does. One request for each block, of which
/// every rank has as many; `names`: of the blocks, as MemoryRequest has them.
/// @throws Error{memory, disagreement} naming each value and the world ranks that hold it; Error{memory,
/// not_supported} naming two ranks on one GPU
void require_agreement(Communicator& comm, std::span<const RendezvousRequest> mine,
                       std::span<const MemoryRequest> names);

/// By group rank, then in the order of the blocks.
using HandleTable = std::vector<std::vector<ShareableHandle>>;

/// Collective: every rank's handles, of one type and as many on each; the own ones are duplicates of `mine`. Descriptors
/// are handed over by the operating system, handles that are bytes by the communicator. @throws as FdExchange::exchange
HandleTable gather_handles(Communicator& comm, std::vector<ShareableHandle> mine);

/// Collective phase exchange of all blocks at once: every rank's handles; the own ones are duplicates of `mine`.
/// @throws PhaseFailed{exchange} as require_agreement(), which comes first, or when handles cannot travel
HandleTable exchange_handles(const PhaseContext& context, std::span<const RendezvousRequest> requests,
                             std::span<const MemoryRequest> names, std::vector<ShareableHandle> mine);

/// Collective phases export, exchange (agreement first) and import, of all blocks in each: `blocks[i].memory` holds this
/// rank's own memory at its own index and empty places elsewhere; afterwards every place is filled. Each handle is
/// closed right after its import.
/// @throws PhaseFailed{export_handle | exchange | import_handle}; an import names the peer
void share_memory(const PhaseContext& context, Driver& driver, std::span<const RendezvousRequest> requests,
                  std::span<const MemoryRequest> names, std::span<Blocks> blocks);

/// Runs `step` and puts the peer, in world ranks, into a failure that comes out of it.
void about_peer(const Communicator& comm, int group_rank, const std::function<void()>& step);

}  // namespace symmbench
