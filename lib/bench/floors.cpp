#include "bench/floors.hpp"

#include <algorithm>
#include <cstring>
#include <functional>

#include "bench/clocks.hpp"
#include "comm/collective_phase.hpp"
#include "stats/bandwidth.hpp"
#include "stats/statistics.hpp"

namespace symmbench {
namespace {

constexpr std::size_t kBatches = 7;
/// Long enough to hide what the launch of a graph costs (some 7 us); even, for the rows of the flag barrier.
constexpr std::uint32_t kShortLaunches = 200;
/// Transfers as kernels may do them, long in few launches or short in many: which of them is fastest differs by GPU, number
/// of ranks and size of the area, and a limit is the best. On H200s none longer is faster.
struct TransferShape {
  std::uint32_t launches;
  std::uint64_t bytes;
};
constexpr TransferShape kTransferShapes[] = {
    {5, std::uint64_t{64} << 20}, {10, std::uint64_t{32} << 20}, {40, std::uint64_t{8} << 20}};

class FloorsRun {
 public:
  FloorsRun(WorkerContext& context, Backend& backend, Stream& stream, const AllocatorWorkspace& ready)
      : context_(context),
        backend_(backend),
        stream_(stream),
        ready_(ready),
        start_(stream.make_event()),
        end_(stream.make_event()),
        sink_(*backend.driver, sizeof(std::uint32_t)) {}

  FloorsRecord measure() {
    LinkProbe& probe = *backend_.probe;
    const RankView& view = ready_.workspace->view();
    const SegmentView& links = ready_.bench->links();
    FloorsRecord floors{.group = group_index(context_.comm)};
    floors.empty_kernel_us = launch_us("empty kernel", kShortLaunches, [&](std::uint32_t) { probe.empty(stream_); });

    prepare_links(context_, stream_, ready_, LinkProbe::flag_barrier_bytes(view.world_size));
    floors.flag_barrier_us = launch_us("flag barrier", kShortLaunches,
                                       [&](std::uint32_t i) { probe.flag_barrier(stream_, view, links, i % 2); });

    for (const auto& reading : read_clocks(context_, backend_, stream_, ready_)) {
      floors.hop_us = std::max(floors.hop_us, static_cast<double>(reading.round_trip_ns) / 2e3);
    }

    floors.peer_write_gbs =
        transfer_gbs("peer writes", [&](std::uint32_t blocks) { probe.write_peers(stream_, view, links, blocks); });
    floors.peer_read_gbs = transfer_gbs(
        "peer reads", [&](std::uint32_t blocks) { probe.read_peers(stream_, view, links, blocks, sink_.address()); });
    return floors;
  }

 private:
  /// What a rank moves to or from all its peers, at the best of the shapes; `enqueue` is given blocks per peer.
  double transfer_gbs(std::string_view what, const std::function<void(std::uint32_t)>& enqueue) {
    const auto peers = static_cast<std::uint64_t>(ready_.workspace->view().world_size - 1);
    double best = 0;
    for (const auto& shape : kTransferShapes) {
      const auto blocks = static_cast<std::uint32_t>(shape.bytes / peers / LinkProbe::kBlockBytes);
      const double span_us = launch_us(what, shape.launches, [&](std::uint32_t) { enqueue(blocks); });
      best = std::max(best, algorithm_bandwidth_gbs(blocks * peers * LinkProbe::kBlockBytes, span_us));
    }
    return best;
  }

  /// Time of one launch: the worst rank of each batch, the median of the batches. The first batch is not counted.
  double launch_us(std::string_view what, std::uint32_t launches, const std::function<void(std::uint32_t)>& enqueue) {
    const auto graph = stream_.capture([&] {
      for (std::uint32_t i = 0; i < launches; ++i) enqueue(i);
    });
    std::vector<double> mine;
    for (std::size_t batch = 0; batch <= kBatches; ++batch) {
      backend_.kernels->device_barrier(stream_, ready_.workspace->view(), ready_.flags());
      stream_.record(*start_);
      graph->launch();
      stream_.record(*end_);
      stream_.synchronize();
      if (const auto failure = ready_.workspace->gave_up()) throw Error(*failure);
      if (batch > 0) mine.push_back(stream_.elapsed_us(*start_, *end_) / launches);
    }
    const auto all = context_.comm.allgather(what, std::as_bytes(std::span(mine)));
    check_blob_sizes(context_.comm, what, all, kBatches * sizeof(double));
    std::vector<double> worst(kBatches, 0.0);
    for (const auto& blob : all) {
      std::vector<double> theirs(kBatches);
      std::memcpy(theirs.data(), blob.data(), blob.size());
      for (std::size_t i = 0; i < kBatches; ++i) worst[i] = std::max(worst[i], theirs[i]);
    }
    const double median_us = *percentile(worst, 50);
    if (median_us <= 0) {
      throw Error({.layer = Layer::kernel, .reason = Reason::internal, .detail = std::string(what) + " took no time"});
    }
    return median_us;
  }

  WorkerContext& context_;
  Backend& backend_;
  Stream& stream_;
  const AllocatorWorkspace& ready_;
  std::unique_ptr<Event> start_, end_;
  LocalBuffer sink_;
};

}  // namespace

FloorsRecord measure_floors(WorkerContext& context, Backend& backend, Stream& stream, const AllocatorWorkspace& ready) {
  FloorsRecord floors;
  collective_phase({.comm = context.comm}, Phase::init,
                   [&] { floors = FloorsRun(context, backend, stream, ready).measure(); });
  return floors;
}

}  // namespace symmbench
