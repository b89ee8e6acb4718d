#include "workspace/bench_segment.hpp"

#include <algorithm>

#include "core/units.hpp"

namespace symmbench {
namespace {

std::uint64_t flag_bytes(int world_size) { return kBarrierRows * kWordBytes * static_cast<std::uint64_t>(world_size); }

constexpr std::uint64_t kLeastLinkBytes = 4 * kMiB, kMostLinkBytes = 64 * kMiB;

}  // namespace

std::uint64_t BenchSegment::link_bytes(const MessageCapacity& capacity) {
  return std::clamp(2 * capacity.message_bytes(), kLeastLinkBytes, kMostLinkBytes);
}

std::vector<SegmentRequest> BenchSegment::requests(const MessageCapacity& capacity) {
  // No pattern over all of it: the link area need not be touched where nothing probes links.
  return {{.name = "bench", .used_bytes = flag_bytes(capacity.world_size()) + link_bytes(capacity)}};
}

BenchSegment::BenchSegment(const Communicator& comm, Driver& driver, Stream& stream, KernelSet& kernels,
                           const MessageCapacity& capacity)
    : stream_(stream),
      rank_(comm.rank()),
      world_size_(comm.size()),
      link_bytes_(link_bytes(capacity)),
      segments_("bench segment", comm, driver, stream, kernels, requests(capacity), {.enqueue_start = [this] {
                  stream_.fill(segments_.view(0)[rank_], 0, flag_bytes(world_size_) / kWordBytes);
                }}) {}

void BenchSegment::create(const PhaseContext& context, Allocator& allocator, HandleType handle) {
  segments_.create(context, allocator, handle);
  flags_ = links_ = segments_.view(0);
  flags_.bytes = flag_bytes(world_size_);
  links_.bytes = link_bytes_;
  for (int r = 0; r < world_size_; ++r) links_.base[r] += flags_.bytes;
}

}  // namespace symmbench
