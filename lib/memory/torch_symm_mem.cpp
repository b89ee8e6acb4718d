#include "memory/torch_symm_mem.hpp"

#include <fmt/format.h>

#include <atomic>

#include "core/round.hpp"
#include "memory/rendezvous.hpp"
#include "memory/shared_blocks.hpp"

namespace symmbench {
namespace {

constexpr std::uint64_t kTorchSignalPadBytes = 32UL * 72 * 4;  // blocks x peers x word = 9216
constexpr std::uint64_t kDataAlignment = 128;
constexpr std::uint64_t kSizeAlignment = 16;

constexpr Difference kDifferences[] = {
    {"per peer: import, reserve, map, set_access, close the descriptor, then the next peer",
     "all peers are imported and voted on, then each is reserved, mapped and given access",
     "a failed import is known to every rank under its own phase before anybody maps a peer's memory",
     "~cuMemImportFromShareableHandle"},
    {"compared: block size, buffer size, offset",
     "also handle type and granularity; whether the type reaches every peer is proved by a trial before",
     "ranks that chose different handle types wait for each other indefinitely"},
    {"under FABRIC the clique ids are compared, the clusters are not",
     "cluster UUID and clique id are compared as a pair", "unrelated racks share clique numbers, 32766 above all"},
    {"two ranks on one host name and CUDA ordinal are refused unless the rank that looks has "
     "TORCH_SYMM_MEM_ALLOW_OVERLAPPING_DEVICES=1",
     "two ranks on one running OS and GPU UUID, unless every rank has it",
     "ranks that are each shown a GPU of their own all have ordinal 0; one rank that leaves alone keeps the others "
     "waiting"},
    {"descriptors travel in a ring of datagrams, in waits without end; sockets are named by pid",
     "one bounded exchange over sockets named by a job nonce",
     "one rank that dies leaves the others waiting indefinitely, and a pid may be another container's as well"},
    {"keys carry a sequence number of the process", "rounds belong to the communicator of the group",
     "ranks that did different numbers of rendezvous wait for keys that never come"},
    {"a failure is an exception on the rank that met it", "each step ends in a vote; all ranks leave together",
     "the others would wait for the store's timeout"},
    {"no barrier before memory is unmapped", "close() begins and ends with a barrier",
     "a peer that still uses a block being unmapped faults"},
    {"address ranges are never freed", "freed at close", "each allocation leaks address space in every rank",
     "+cuMemAddressFree"},
    {"the device is synchronized before each block, own or a peer's, is unmapped", "once, by the user, before close()",
     "nothing is enqueued in between", "-cuCtxSynchronize"},
    {"addresses of blocks and pads are copied to two arrays on the device, which are never freed",
     "none: the workspace makes its own pointer table", "nothing here would read them",
     "-cuMemAlloc -cuMemcpyAsync -cuStreamSynchronize"},
    {"the self test of fabric handles runs on device 0, whichever is asked about", "on the rank's own device",
     "that is the one whose memory will travel"},
    {"the handle type is chosen once per process, for all devices and groups",
     "once per worker and allocator, before anything is allocated",
     "a worker has one device, and a new one after a failure looks again"},
    {"the newest releases keep one more signal pad per group and device, made and exchanged on first use", "none",
     "nothing here signals through it"},
    {"a multicast object is tried for every buffer where the device supports it", "only where it is asked for",
     "multicast set-up can take GPUs out of service for everybody"},
    {"a multicast set-up that fails after the devices were added may strand the peers", "a vote after each step",
     "binding waits without end for a device that was not added"},
    // Of 2.13 alone, and last: differences() leaves them out elsewhere.
    {"the whole block is cleared by a call that blocks", "on a stream, which is then waited for",
     "there is one way to fill memory here", "-cuMemsetD8 +cuMemsetD32Async"},
};
constexpr std::size_t kOnlyOf2_13 = 1;

std::atomic<TorchLayout> layout_in_use{TorchLayout::v2_14};

SharedMemoryFacts lay_out(const TorchLayoutRow& layout, std::uint64_t bytes, std::uint64_t granularity, int ranks) {
  const std::uint64_t data_bytes = round_up(bytes, kSizeAlignment);
  SharedMemoryFacts facts;
  facts.requested_bytes = bytes;
  facts.granularity_bytes = granularity;
  facts.signal_pad_bytes = kTorchSignalPadBytes;
  facts.signal_pad_offset = layout.pad_first ? 0 : data_bytes;
  facts.data_offset = layout.pad_first ? round_up(kTorchSignalPadBytes, kDataAlignment) : 0;
  facts.allocated_bytes = round_up(
      layout.pad_first ? facts.data_offset + data_bytes : facts.signal_pad_offset + kTorchSignalPadBytes, granularity);
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

/// All ranks go on without a team that cannot be made.
void join_team(const PhaseContext& context, Driver& driver, HandleType handle, const SharedMemoryFacts& facts,
               Blocks& blocks) {
  try {
    blocks.multicast = MulticastBinding::join(
        context, driver, {.bytes = facts.allocated_bytes, .handle = handle, .root_imports = true, .binds_first = true},
        blocks.memory[context.comm.rank()]);
  } catch (const PhaseFailed& failed) {
    if (ranks_lost_each_other(failed.failure())) throw;
    blocks.multicast_problem = failed.failure();
  }
}

}  // namespace

void use_torch_layout(TorchLayout layout) { layout_in_use = layout; }
TorchLayout torch_layout_in_use() { return layout_in_use; }

HandleChoice TorchSymmMem::upstream_rule(const HandleFacts& rank) {
  std::string why = fabric_text(rank);
  if (!rank.fabric || rank.fabric->state == kFabricNotSupported) return {HandleType::posix_fd, std::move(why)};
  const bool elsewhere = rank.first_device_test.has_value();
  const std::string which = elsewhere ? "self test on the first device" : "self test";
  if (elsewhere ? *rank.first_device_test : rank.fabric_self_test.value_or(false)) {
    return {HandleType::fabric, fmt::format("{}; {} passed", why, which)};
  }
  const FactText& failure = elsewhere ? rank.first_device_failure : rank.self_test_failure;
  return {HandleType::posix_fd, fmt::format("{}; {} failed: {}", why, which, failure.data())};
}

std::span<const Difference> TorchSymmMem::differences() const {
  return std::span(kDifferences).first(std::size(kDifferences) - (layout_.clears_block ? 0 : kOnlyOf2_13));
}

std::uint64_t TorchSymmMem::allocated_bytes(std::uint64_t requested_bytes, std::uint64_t granularity) const {
  return lay_out(layout_, requested_bytes, granularity, 1).allocated_bytes;
}

std::vector<std::unique_ptr<SharedMemory>> TorchSymmMem::allocate_all(const PhaseContext& context, Driver& driver,
                                                                      std::span<const MemoryRequest> requests,
                                                                      HandleType handle) {
  auto& comm = context.comm;
  const int own = comm.rank();
  std::vector<SharedMemoryFacts> facts;
  std::vector<RendezvousRequest> rendezvous;
  std::vector<Blocks> blocks;

  collective_phase(context, Phase::create, [&] {
    for (const auto& request : requests) {
      request.about([&] {
        require_possible(kind(), request.bytes, handle);
        const DeviceFacts device = driver.facts();
        const AllocationSpec spec{.handle = handle,
                                  .gpu_direct_rdma = layout_.rdma_by_attribute && device.gpu_direct_rdma_supported};
        facts.push_back(
            lay_out(layout_, request.bytes, driver.granularity(spec, Granularity::recommended), comm.size()));
        blocks.emplace_back(comm.size());
        blocks.back().ranges.resize(comm.size());
        blocks.back().memory[own] = PhysicalMemory::create(driver, facts.back().allocated_bytes, spec);
        rendezvous.push_back(request_of(facts.back(), handle));
        rendezvous.back().place = place_of(device);
      });
    }
  });
  const auto map_block_of = [&](std::size_t i, int r) {
    map_block(driver, blocks[i].memory[r], blocks[i].ranges[r], blocks[i].mappings[r]);
  };
  collective_phase(context, Phase::map, [&] {
    std::vector<ZeroZone> zones;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      requests[i].about([&] { map_block_of(i, own); });
      const DevicePtr block = blocks[i].mappings[own].address();
      zones.push_back(layout_.clears_block ? ZeroZone{block, facts[i].allocated_bytes}
                                           : ZeroZone{block + facts[i].signal_pad_offset, facts[i].signal_pad_bytes});
    }
    zero_memory(driver, zones);
  });

  share_memory(context, driver, rendezvous, requests, blocks);

  collective_phase(context, Phase::map, [&] {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      for (int r = 0; r < comm.size(); ++r) {
        if (r == own) continue;
        requests[i].about([&] { about_peer(comm, r, [&] { map_block_of(i, r); }); });
      }
    }
  });

  std::vector<std::unique_ptr<SharedMemory>> memory;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (multicast_ == MulticastUse::on) join_team(context, driver, handle, facts[i], blocks[i]);
    memory.push_back(std::make_unique<SharedBlocks>(std::move(blocks[i]), std::move(facts[i]),
                                                    TeardownOrder::unmap_then_release, own, comm.world_rank(own)));
  }
  return memory;
}

}  // namespace symmbench
