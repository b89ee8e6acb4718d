#pragma once
#include <optional>
#include <span>
#include <vector>

#include "memory/multicast_binding.hpp"
#include "memory/shared_memory.hpp"
#include "memory/vmm.hpp"

namespace symmbench {

/// The order in which a rank's block goes back at close; both are legal, because a mapping keeps the bytes alive.
enum class TeardownOrder {
  release_then_unmap,  ///< per rank, in rank order
  unmap_then_release,  ///< peers first, own block last
};

/// What one symmetric allocation owns on this rank while it is built and until it is closed. Index = group rank.
struct Blocks {
  explicit Blocks(int ranks) : memory(ranks), mappings(ranks) {}

  std::vector<AddressRange> ranges;  ///< one for all ranks, or one per rank; outlives the mappings in it
  std::vector<PhysicalMemory> memory;
  std::vector<Mapping> mappings;
  MulticastBinding multicast;                     ///< of the own block; empty where there is none
  std::optional<Failure> multicast_problem = {};  ///< why, where it was asked for
};

/// The SharedMemory of allocators on the virtual-memory calls: they differ in how Blocks is built and in the order it is torn down.
class SharedBlocks final : public SharedMemory {
 public:
  /// `own` is this rank's group rank, `world_rank` is for messages.
  SharedBlocks(Blocks blocks, SharedMemoryFacts facts, TeardownOrder order, int own, int world_rank);
  ~SharedBlocks() override;
  SharedBlocks(const SharedBlocks&) = delete;
  SharedBlocks& operator=(const SharedBlocks&) = delete;

  DevicePtr data(int group_rank) const override;
  std::optional<DevicePtr> multicast() const override;
  std::optional<Failure> multicast_problem() const override { return blocks_.multicast_problem; }
  const SharedMemoryFacts& facts() const override { return facts_; }
  void give_back(Communicator* comm) override;
  bool closed() const override { return closed_; }
  std::vector<AddressRange> detach() override;

 private:
  Blocks blocks_;
  SharedMemoryFacts facts_;
  TeardownOrder order_;
  int own_;
  int world_rank_;
  bool closed_ = false;
};

struct ZeroZone {
  DevicePtr address = 0;
  std::uint64_t bytes = 0;
};
/// Fills device memory with zeros and waits for it.
void zero_memory(Driver& driver, std::span<const ZeroZone> zones);

}  // namespace symmbench
