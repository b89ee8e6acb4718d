#include "fault/faulty_allocator.hpp"

#include <utility>

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
  void close(const PhaseContext& context) override { inner_->close(context); }

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
  void close(const PhaseContext& context) override {
    instead_.close();
    inner_->close(context);
  }

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

std::unique_ptr<SharedMemory> FaultyAllocator::allocate(const PhaseContext& context, Driver& driver,
                                                        std::uint64_t bytes, HandleType handle) {
  auto memory = inner_->allocate(context, driver, bytes, handle);
  if (fault_.fault->effect == FaultEffect::lose_peer) {
    const auto peer = group_rank_of(context.comm, fault_.peer);
    if (!peer || *peer == context.comm.rank()) return memory;
    ++*fault_.struck;
    return std::make_unique<LostPeerMemory>(std::move(memory), LocalBuffer(driver, bytes), *peer);
  }
  if (++met_ != fault_.at) return memory;
  ++*fault_.struck;
  const int one = (fault_.peer - context.comm.world_rank(0) + context.comm.size()) % context.comm.size();
  return std::make_unique<SwappedMemory>(std::move(memory), one, (one + 1) % context.comm.size());
}

}  // namespace symmbench
