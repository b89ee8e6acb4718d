#include "memory/symm_device_memory.hpp"

#include <fmt/format.h>

#include "core/round.hpp"
#include "memory/rendezvous.hpp"
#include "memory/shared_blocks.hpp"

namespace symmbench {
namespace {

constexpr std::uint64_t kSymmSignalPadBytes = 2048;
constexpr std::uint64_t kSignalPadAlignment = 16;

constexpr Difference kSymmDifferences[] = {
    {"the TRTLLM workspace passes signal pads off: the 2048 bytes are there and never cleared",
     "the pad of the own block is cleared", "every allocator promises the same contents to its user",
     "+cuMemsetD32Async +cuStreamSynchronize"},
    {"no check that the communicator, the sizes or the handle types of the ranks match",
     "requested bytes, handle type, granularity, offset and block size are compared before a handle travels",
     "a rank that differs makes the others wait 30 s for a handle, or maps memory of the wrong size"},
    {"cuCtxSynchronize between the exchange of handles and their import", "none",
     "nothing is enqueued between create and the first use; the vote after each phase gives the same order",
     "-cuCtxSynchronize"},
    {"an error is an exception on the rank that met it; its handles and reservations leak",
     "each step ends in a vote; all ranks leave together and give everything back",
     "one rank that fails alone leaves the others waiting"},
    {"release and unmap in the destructor, without device synchronize or barrier",
     "close() is collective: barrier, release and unmap per rank, free the range, barrier",
     "a peer that still stores into a block being unmapped faults (Xid 31 or 137)"},
    {"multicast and its granularity on request", "no workspace asks for it", "the TRTLLM workspace switches it off"},
    {"with multicast: an object of the size before it is rounded to the multicast granularity", "of the rounded size",
     "what is bound and mapped may not exceed the object"},
    {"with multicast: devices are added, and the object mapped and bound, without a vote in between",
     "a vote after each step", "mapping and binding wait without end for a device that was not added"},
    {"with multicast: no unbind", "unbound before anything else is given back",
     "unbinding after the memory was released fails on some GPUs"},
    {"NVML's device is looked up by the CUDA ordinal", "by PCI bus id, else by UUID",
     "NVML does not know CUDA_VISIBLE_DEVICES: the ordinal may be another GPU, or none"},
    {"the handle type is chosen anew in each allocation, by each rank",
     "once per worker and allocator, before anything is allocated",
     "a fabric that changes its state in between would give one workspace two handle types"},
    {"descriptors travel over stream sockets in a temporary folder, one connection per pair, accepted within 30 s",
     "one bounded exchange over sockets named by a job nonce, outside of any file system",
     "ranks with separate temporary folders, or paths beyond 108 bytes, cannot meet"},
    {"the W addresses are copied to a small array on the device", "none: the workspace makes its own pointer table",
     "nothing here would read it", "-cuMemAlloc -cuMemcpyAsync"},
};

SharedMemoryFacts symm_layout(std::uint64_t bytes, std::uint64_t granularity, int ranks) {
  SharedMemoryFacts facts;
  facts.requested_bytes = bytes;
  facts.granularity_bytes = granularity;
  facts.data_offset = 0;
  facts.signal_pad_offset = round_up(bytes, kSignalPadAlignment);
  facts.signal_pad_bytes = kSymmSignalPadBytes;
  // From the size, not from the pad's offset: the same, as pad and granularity are multiples of the pad's alignment.
  facts.allocated_bytes = round_up(bytes + kSymmSignalPadBytes, granularity);
  facts.va_layout = "contiguous";
  facts.va_bytes = facts.allocated_bytes * ranks;
  return facts;
}

/// One range for all ranks' blocks, which are given access to at once; that of an earlier block where there is one.
void map_contiguous(const Communicator& comm, Driver& driver, const SharedMemoryFacts& facts, Blocks& blocks) {
  if (blocks.ranges.empty()) blocks.ranges.emplace_back(driver, facts.va_bytes, facts.granularity_bytes);
  const auto& range = blocks.ranges.front();
  for (int r = 0; r < comm.size(); ++r) {
    const DevicePtr address = range.address() + facts.allocated_bytes * r;
    about_peer(comm, r, [&] { blocks.mappings[r] = Mapping(driver, address, blocks.memory[r]); });
  }
  driver.set_access(range.address(), facts.va_bytes);
}

}  // namespace

HandleChoice SymmDeviceMemory::upstream_rule(const HandleFacts& rank) {
  if (!rank.fabric_supported) return {HandleType::posix_fd, "attribute not set"};
  const auto& seen = rank.ordinal_is_another ? rank.fabric_by_ordinal : rank.fabric;
  const bool takes_fabric = seen && seen->state >= kFabricCompleted && seen->cluster_uuid[0] != 0;
  return {takes_fabric ? HandleType::fabric : HandleType::posix_fd,
          rank.ordinal_is_another
              ? "attribute set, and of the GPU that NVML has under CUDA's number, another one: fabric " +
                    (seen ? fabric_text(*seen) : std::string("unknown"))
              : "attribute set, " + fabric_text(rank)};
}

std::span<const Difference> SymmDeviceMemory::differences() const { return kSymmDifferences; }

std::uint64_t SymmDeviceMemory::granularity(Driver& driver, HandleType handle) const {
  const auto unicast = driver.granularity({.handle = handle, .gpu_direct_rdma = true}, Granularity::recommended);
  if (multicast_ == MulticastUse::off) return unicast;
  return round_up(unicast, driver.multicast_granularity({.handle = handle}, Granularity::recommended));
}

std::uint64_t SymmDeviceMemory::allocated_bytes(std::uint64_t requested_bytes, std::uint64_t granularity) const {
  return symm_layout(requested_bytes, granularity, 1).allocated_bytes;
}

std::vector<std::unique_ptr<SharedMemory>> SymmDeviceMemory::allocate_all(const PhaseContext& context, Driver& driver,
                                                                          std::span<const MemoryRequest> requests,
                                                                          HandleType handle) {
  auto& comm = context.comm;
  const int own = comm.rank();
  // Asked for without looking at the attribute, as upstream does.
  const AllocationSpec spec{.handle = handle, .gpu_direct_rdma = true};
  std::vector<SharedMemoryFacts> facts;
  std::vector<RendezvousRequest> rendezvous;
  std::vector<Blocks> blocks;

  collective_phase(context, Phase::create, [&] {
    for (const auto& request : requests) {
      request.about([&] {
        require_possible(kind(), request.bytes, handle);
        facts.push_back(symm_layout(request.bytes, granularity(driver, handle), comm.size()));
        blocks.emplace_back(comm.size());
        if (request.at != nullptr) blocks.back().ranges = std::move(*request.at);
        blocks.back().memory[own] = PhysicalMemory::create(driver, facts.back().allocated_bytes, spec);
        rendezvous.push_back(request_of(facts.back(), handle));
      });
    }
  });

  share_memory(context, driver, rendezvous, requests, blocks);

  collective_phase(context, Phase::map, [&] {
    std::vector<ZeroZone> pads;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      requests[i].about([&] {
        map_contiguous(comm, driver, facts[i], blocks[i]);
        pads.push_back({blocks[i].mappings[own].address() + facts[i].signal_pad_offset, facts[i].signal_pad_bytes});
      });
    }
    zero_memory(driver, pads);
  });

  std::vector<std::unique_ptr<SharedMemory>> memory;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (multicast_ == MulticastUse::on) {
      blocks[i].multicast = MulticastBinding::join(
          context, driver, {.bytes = facts[i].allocated_bytes, .handle = handle}, blocks[i].memory[own]);
    }
    memory.push_back(std::make_unique<SharedBlocks>(std::move(blocks[i]), std::move(facts[i]),
                                                    TeardownOrder::release_then_unmap, own, comm.world_rank(own)));
  }
  return memory;
}

}  // namespace symmbench
