#include "fault/faulty_allocator.hpp"

#include <utility>

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
  const SharedMemoryFacts& facts() const override { return inner_->facts(); }
  void close(const PhaseContext& context) override { inner_->close(context); }

 private:
  std::unique_ptr<SharedMemory> inner_;
  int one_, other_;
};

}  // namespace

FaultyAllocator::FaultyAllocator(std::unique_ptr<Allocator> inner, const FaultSpec& fault)
    : inner_(std::move(inner)), fault_(fault) {}

std::unique_ptr<SharedMemory> FaultyAllocator::allocate(const PhaseContext& context, Driver& driver,
                                                        std::uint64_t bytes, HandleType handle) {
  auto memory = inner_->allocate(context, driver, bytes, handle);
  if (++met_ != fault_.at) return memory;
  ++*fault_.struck;
  const int one = (fault_.peer - context.comm.world_rank(0) + context.comm.size()) % context.comm.size();
  return std::make_unique<SwappedMemory>(std::move(memory), one, (one + 1) % context.comm.size());
}

}  // namespace symmbench
