#include "memory/torch_symm_mem.hpp"

#include <fmt/format.h>

#include "core/round.hpp"
#include "memory/rendezvous.hpp"
#include "memory/shared_blocks.hpp"

namespace symmbench {
namespace {

constexpr std::uint64_t kTorchSignalPadBytes = 32UL * 72 * 4;  // blocks x peers x word = 9216
constexpr std::uint64_t kDataAlignment = 128;
constexpr std::uint64_t kSizeAlignment = 16;

constexpr Difference kTorchDifferences[] = {
    {"per peer: import, reserve, map, set_access, close the descriptor, then the next peer",
     "all peers are imported and voted on, then each is reserved, mapped and given access",
     "a failed import is known to every rank under its own phase before anybody maps a peer's memory"},
    {"compared: block size, buffer size, offset; the clique id under FABRIC",
     "also handle type and granularity; whether the type reaches every peer is proved by a trial before",
     "ranks that chose different handle types wait for each other indefinitely"},
    {"descriptors travel in a ring of datagrams, in waits without end; sockets are named by pid",
     "one bounded exchange over sockets named by a job nonce",
     "one rank that dies leaves the others waiting indefinitely, and a pid may be another container's as well"},
    {"keys carry a sequence number of the process", "rounds belong to the communicator of the group",
     "ranks that did different numbers of rendezvous wait for keys that never come"},
    {"a failure is an exception on the rank that met it", "each step ends in a vote; all ranks leave together",
     "the others would wait for the store's timeout"},
    {"no barrier before memory is unmapped", "close() begins and ends with a barrier",
     "a peer that still uses a block being unmapped faults"},
    {"address ranges are never freed", "freed at close", "each allocation leaks address space in every rank"},
    {"a multicast object is tried for every buffer where the device supports it", "unicast only",
     "multicast set-up can take GPUs out of service for everybody; nothing here uses it"},
};

SharedMemoryFacts torch_layout(std::uint64_t bytes, std::uint64_t granularity, int ranks) {
  SharedMemoryFacts facts;
  facts.requested_bytes = bytes;
  facts.granularity_bytes = granularity;
  facts.signal_pad_offset = 0;
  facts.signal_pad_bytes = kTorchSignalPadBytes;
  facts.data_offset = round_up(kTorchSignalPadBytes, kDataAlignment);
  facts.allocated_bytes = round_up(facts.data_offset + round_up(bytes, kSizeAlignment), granularity);
  facts.va_layout = "per_peer";
  facts.va_bytes = facts.allocated_bytes * ranks;
  return facts;
}

/// A range of the driver's choice with `memory` in it, accessible here.
void map_block(Driver& driver, const PhysicalMemory& memory, AddressRange& range, Mapping& mapping) {
  range = AddressRange(driver, memory.bytes(), 0);
  mapping = Mapping(driver, range.address(), memory);
  driver.set_access(mapping.address(), mapping.bytes());
}

}  // namespace

HandleChoice TorchSymmMem::upstream_rule(const HandleFacts& rank) {
  if (!rank.fabric_state) return {HandleType::posix_fd, "fabric state unknown"};
  if (*rank.fabric_state == kFabricNotSupported) return {HandleType::posix_fd, "fabric not supported"};
  if (!rank.fabric_self_test.value_or(false)) return {HandleType::posix_fd, "self test of fabric failed"};
  return {HandleType::fabric, fmt::format("fabric state {}, self test passed", *rank.fabric_state)};
}

std::span<const Difference> TorchSymmMem::differences() const { return kTorchDifferences; }

std::uint64_t TorchSymmMem::allocated_bytes(std::uint64_t requested_bytes, std::uint64_t granularity) const {
  return torch_layout(requested_bytes, granularity, 1).allocated_bytes;
}

std::unique_ptr<SharedMemory> TorchSymmMem::allocate(const PhaseContext& context, Driver& driver, std::uint64_t bytes,
                                                     HandleType handle) {
  auto& comm = context.comm;
  const int own = comm.rank();
  SharedMemoryFacts facts;
  Blocks blocks(comm.size());
  blocks.ranges.resize(comm.size());

  collective_phase(context, Phase::create, [&] {
    require_possible(kind(), bytes, handle);
    const AllocationSpec spec{.handle = handle, .gpu_direct_rdma = driver.facts().gpu_direct_rdma_supported};
    facts = torch_layout(bytes, driver.granularity(spec, Granularity::recommended), comm.size());
    blocks.memory[own] = PhysicalMemory::create(driver, facts.allocated_bytes, spec);
  });
  collective_phase(context, Phase::map, [&] {
    map_block(driver, blocks.memory[own], blocks.ranges[own], blocks.mappings[own]);
    zero_memory(driver, blocks.mappings[own].address() + facts.signal_pad_offset, facts.signal_pad_bytes);
  });

  share_memory(context, driver, request_of(facts, handle), blocks.memory);

  collective_phase(context, Phase::map, [&] {
    for (int r = 0; r < comm.size(); ++r) {
      if (r == own) continue;
      about_peer(comm, r, [&] { map_block(driver, blocks.memory[r], blocks.ranges[r], blocks.mappings[r]); });
    }
  });

  return std::make_unique<SharedBlocks>(std::move(blocks), std::move(facts), TeardownOrder::unmap_then_release, own,
                                        comm.world_rank(own));
}

}  // namespace symmbench
