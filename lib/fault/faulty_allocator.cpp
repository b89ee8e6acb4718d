#include "fault/faulty_allocator.hpp"

#include <utility>

#include "memory/keep_going.hpp"
#include "memory/local_buffer.hpp"

namespace symmbench {
namespace {

class SwappedMemory final : public SharedMemory {
 public:
  SwappedMemory(std::unique_ptr<SharedMemory> inner, int one, int other)
      : inner_(std::move(inner)), one_(one), other_(other) {}

  DevicePtr data(int group_rank) const override {
    return inner_->data(group_rank == one_ ? other_ : group_rank == other_ ? one_ : group_rank);
  }
  std::optional<DevicePtr> multicast() const override { return inner_->multicast(); }
  std::optional<Failure> multicast_problem() const override { return inner_->multicast_problem(); }
  const SharedMemoryFacts& facts() const override { return inner_->facts(); }
  void give_back(Communicator* comm) override { inner_->give_back(comm); }
  bool closed() const override { return inner_->closed(); }

 private:
  std::unique_ptr<SharedMemory> inner_;
  int one_, other_;
};

/// A peer's block is memory of this rank alone.
class LostPeerMemory final : public SharedMemory {
 public:
  LostPeerMemory(std::unique_ptr<SharedMemory> inner, LocalBuffer instead, int peer)
      : inner_(std::move(inner)), instead_(std::move(instead)), peer_(peer) {}

  DevicePtr data(int group_rank) const override {
    return group_rank == peer_ ? instead_.address() : inner_->data(group_rank);
  }
  std::optional<DevicePtr> multicast() const override { return inner_->multicast(); }
  const SharedMemoryFacts& facts() const override { return inner_->facts(); }
  void give_back(Communicator* comm) override {
    KeepGoing keep_going;
    keep_going([&] { instead_.close(); });
    keep_going([&] { inner_->give_back(comm); });
    keep_going.rethrow();
  }
  bool closed() const override { return inner_->closed(); }

 private:
  std::unique_ptr<SharedMemory> inner_;
  LocalBuffer instead_;
  int peer_;
};

/// Group rank of a world rank; nullopt: it is no member.
std::optional<int> group_rank_of(const Communicator& comm, int world_rank) {
  for (int rank = 0; rank < comm.size(); ++rank) {
    if (comm.world_rank(rank) == world_rank) return rank;
  }
  return std::nullopt;
}

}  // namespace

FaultyAllocator::FaultyAllocator(std::unique_ptr<Allocator> inner, const FaultSpec& fault)
    : inner_(std::move(inner)), fault_(fault) {}

std::vector<std::unique_ptr<SharedMemory>> FaultyAllocator::allocate_all(const PhaseContext& context, Driver& driver,
                                                                         std::span<const MemoryRequest> requests,
                                                                         HandleType handle) {
  auto memory = inner_->allocate_all(context, driver, requests, handle);
  for (std::size_t i = 0; i < memory.size(); ++i) {
    memory[i] = struck(context.comm, driver, requests[i].bytes, std::move(memory[i]));
  }
  return memory;
}

std::unique_ptr<SharedMemory> FaultyAllocator::struck(const Communicator& comm, Driver& driver, std::uint64_t bytes,
                                                      std::unique_ptr<SharedMemory> memory) {
  if (fault_.fault->effect == FaultEffect::lose_peer) {
    const auto peer = group_rank_of(comm, fault_.peer);
    if (!peer || *peer == comm.rank()) return memory;
    ++*fault_.struck;
    return std::make_unique<LostPeerMemory>(std::move(memory), LocalBuffer(driver, bytes), *peer);
  }
  if (++met_ != fault_.at) return memory;
  ++*fault_.struck;
  const int one = (fault_.peer - comm.world_rank(0) + comm.size()) % comm.size();
  return std::make_unique<SwappedMemory>(std::move(memory), one, (one + 1) % comm.size());
}

}  // namespace symmbench
