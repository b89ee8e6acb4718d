#include "bench/link_times.hpp"

#include <algorithm>
#include <cstring>

#include "comm/collective_phase.hpp"
#include "core/units.hpp"
#include "memory/local_buffer.hpp"

namespace symmbench {
namespace {

/// Of GPUs long beside what a copy costs by itself; of emulated ranks short beside the time that a processor gives them.
constexpr std::uint64_t kMostBytes = 16 * kMiB, kEmulatedBytes = 16 * kKiB;
/// The least of all counts: whoever else is busy can only make one longer. Passes lie apart in time, for a processor is
/// taken away for longer than a few reads.
constexpr int kPasses = 3, kReads = 3;

class LinkReads {
 public:
  LinkReads(Backend& backend, Stream& stream, std::uint64_t bytes)
      : backend_(backend), stream_(stream), bytes_(bytes), into_(*backend.driver, bytes) {
    for (int i = 0; i <= kReads; ++i) marks_.push_back(stream.make_event());
  }

  double least_us(DevicePtr from, double delay_us) {
    stream_.record(*marks_[0]);
    for (std::size_t i = 1; i < marks_.size(); ++i) {
      stream_.copy(to_pointer(into_.address()), to_pointer(from), bytes_);
      if (delay_us > 0) backend_.delay(stream_, delay_us);
      stream_.record(*marks_[i]);
    }
    stream_.synchronize();
    double least_us = stream_.elapsed_us(*marks_[0], *marks_[1]);
    for (std::size_t i = 2; i < marks_.size(); ++i) {
      least_us = std::min(least_us, stream_.elapsed_us(*marks_[i - 1], *marks_[i]));
    }
    return least_us;
  }

 private:
  Backend& backend_;
  Stream& stream_;
  std::uint64_t bytes_;
  LocalBuffer into_;
  std::vector<std::unique_ptr<Event>> marks_;
};

/// By group rank; own: 0. What is made slower on purpose takes longer by a share of its first pass, which does not count.
std::vector<double> own_times(const Communicator& comm, const Backend& backend, const SegmentView& links,
                              LinkReads& reads) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  std::vector<double> first_us(ranks, 0.0), least_us(ranks, 0.0);
  for (int pass = 0; pass < kPasses; ++pass) {
    for (int turn = 1; turn < comm.size(); ++turn) {  // each rank begins at another one
      const int peer = (comm.rank() + turn) % comm.size();
      const double slowed_by = backend.link_slowed_by(comm.world_rank(peer));
      double &first = first_us[static_cast<std::size_t>(peer)], &least = least_us[static_cast<std::size_t>(peer)];
      const double us = reads.least_us(links[peer], pass == 0 ? 0 : slowed_by * first);
      if (pass == 0) first = us;
      const bool none_counted = pass == 0 || (pass == 1 && slowed_by > 0);
      least = none_counted ? us : std::min(least, us);
    }
  }
  return least_us;
}

}  // namespace

LinkTimesRecord measure_link_times(WorkerContext& context, Backend& backend, Stream& stream,
                                   const AllocatorWorkspace& ready) {
  const SegmentView& links = ready.bench->links();
  Communicator& comm = context.comm;
  const auto ranks = static_cast<std::size_t>(comm.size());
  LinkTimesRecord record{.group = group_index(comm),
                         .allocator = ready.allocator,
                         .bytes = std::min(links.bytes, backend.emulated ? kEmulatedBytes : kMostBytes),
                         .read_us = {}};
  std::vector<double> mine;
  collective_phase({.comm = comm}, Phase::init, [&] {
    LinkReads reads(backend, stream, record.bytes);
    mine = own_times(comm, backend, links, reads);
  });
  const auto all = comm.allgather("link times", std::as_bytes(std::span(mine)));
  check_blob_sizes(comm, "link times", all, ranks * sizeof(double));
  for (const Blob& blob : all) {
    std::memcpy(record.read_us.emplace_back(ranks).data(), blob.data(), blob.size());
  }
  return record;
}

}  // namespace symmbench
