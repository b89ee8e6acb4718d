#include "workspace/bench_segment.hpp"

namespace symmbench {
namespace {

std::uint64_t flag_bytes(int world_size) { return kBarrierRows * kWordBytes * static_cast<std::uint64_t>(world_size); }

}  // namespace

std::vector<SegmentRequest> BenchSegment::requests(int world_size) {
  // No pattern over all of it: the link area need not be touched where nothing probes links.
  return {{.name = "bench", .used_bytes = flag_bytes(world_size) + kLinkBytes}};
}

BenchSegment::BenchSegment(const Communicator& comm, Driver& driver, Stream& stream, KernelSet& kernels)
    : stream_(stream),
      rank_(comm.rank()),
      world_size_(comm.size()),
      segments_("bench segment", comm, driver, stream, kernels, requests(comm.size()), {.enqueue_start = [this] {
                  stream_.fill(segments_.view(0)[rank_], 0, flag_bytes(world_size_) / kWordBytes);
                }}) {}

void BenchSegment::create(const PhaseContext& context, Allocator& allocator, HandleType handle) {
  segments_.create(context, allocator, handle);
  flags_ = links_ = segments_.view(0);
  flags_.bytes = flag_bytes(world_size_);
  links_.bytes = kLinkBytes;
  for (int r = 0; r < world_size_; ++r) links_.base[r] += flags_.bytes;
}

}  // namespace symmbench
