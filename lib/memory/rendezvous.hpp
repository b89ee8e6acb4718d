#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "comm/collective_phase.hpp"
#include "device/driver.hpp"
#include "memory/shared_memory.hpp"
#include "memory/vmm.hpp"

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

/// Collective: every rank sees the same table, so all of them throw or none does.
/// @throws Error{memory, disagreement} naming each value and the world ranks that hold it; Error{memory,
/// not_supported} naming two ranks on one GPU
void require_agreement(Communicator& comm, const RendezvousRequest& mine);

/// Collective: every rank's handle, in rank order; the own one is a duplicate of `mine`. A descriptor is handed over by the
/// operating system, a handle that is bytes by the communicator. @throws as FdExchange::exchange
std::vector<ShareableHandle> gather_handles(Communicator& comm, const ShareableHandle& mine);

/// Collective phase exchange: every rank's handle, in rank order; the own one is a duplicate of `mine`.
/// @throws PhaseFailed{exchange} as require_agreement(), which comes first, or when handles cannot travel
std::vector<ShareableHandle> exchange_handles(const PhaseContext& context, const RendezvousRequest& request,
                                              const ShareableHandle& mine);

/// Collective phases export, exchange (agreement first) and import: `memory` holds this rank's own block at its own
/// index and empty places elsewhere; afterwards every place is filled. Each handle is closed right after its import.
/// @throws PhaseFailed{export_handle | exchange | import_handle}; an import names the peer
void share_memory(const PhaseContext& context, Driver& driver, const RendezvousRequest& request,
                  std::vector<PhysicalMemory>& memory);

/// Runs `step` and puts the peer, in world ranks, into a failure that comes out of it.
void about_peer(const Communicator& comm, int group_rank, const std::function<void()>& step);

}  // namespace symmbench
