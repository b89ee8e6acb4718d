#include "bench/clocks.hpp"

#include <algorithm>
#include <cstring>

namespace symmbench {
namespace {

constexpr std::uint64_t kMostRounds = 64;

/// Nanoseconds from rank 0's clock at `from` to this rank's stamp.
std::int64_t since_ns(std::uint64_t stamp, std::uint64_t from, const ClockReading& before, const ClockReading& after) {
  // Whole nanoseconds since 1970 do not fit a double; differences of a case do.
  const auto roughly = static_cast<std::int64_t>(stamp - from) - before.offset_ns;
  const auto span = static_cast<double>(static_cast<std::int64_t>(after.at_ns - before.at_ns));
  const auto place = static_cast<double>(roughly + static_cast<std::int64_t>(from - before.at_ns));
  const double drift = span > 0 ? static_cast<double>(after.offset_ns - before.offset_ns) * (place / span) : 0.0;
  return roughly - static_cast<std::int64_t>(drift);
}

}  // namespace

void prepare_links(WorkerContext& context, Stream& stream, const AllocatorWorkspace& ready, std::uint64_t bytes) {
  barrier(context.comm, "probe: enter");
  stream.fill(ready.bench->links()[context.comm.rank()], kSentinel, bytes / sizeof(std::uint32_t));
  stream.synchronize();
  barrier(context.comm, "probe: prepared");
}

std::vector<ClockReading> read_clocks(WorkerContext& context, Backend& backend, Stream& stream,
                                      const AllocatorWorkspace& ready) {
  const RankView& view = ready.workspace->view();
  const SegmentView& links = ready.bench->links();
  const auto ranks = static_cast<std::size_t>(view.world_size);
  const auto rounds =
      static_cast<std::uint32_t>(std::min(kMostRounds, links.bytes / LinkProbe::ping_bytes(view.world_size, 1)));
  const LocalBuffer found(*backend.driver, ranks * sizeof(ClockReading));
  prepare_links(context, stream, ready, LinkProbe::ping_bytes(view.world_size, rounds));
  std::vector<ClockReading> readings(ranks);
  backend.probe->ping(stream, view, links, rounds, found.address());
  if (view.rank == 0) {
    stream.copy(readings.data() + 1, to_pointer(found.address() + sizeof(ClockReading)),
                (ranks - 1) * sizeof(ClockReading));
  }
  stream.synchronize();
  if (const auto failure = ready.workspace->gave_up()) throw Error(*failure);
  if (ranks > 1) readings[0].at_ns = readings[1].at_ns;
  const auto all = context.comm.allgather("clocks", std::as_bytes(std::span(readings)));
  check_blob_sizes(context.comm, "clocks", all, ranks * sizeof(ClockReading));
  std::memcpy(readings.data(), all[0].data(), all[0].size());
  return readings;
}

std::vector<double> arrival_spread_us(std::span<const ClockReading> before, std::span<const ClockReading> after,
                                      std::span<const std::vector<std::uint64_t>> stamps) {
  std::vector<double> spread_us;
  for (const auto& batch : stamps) {
    std::vector<std::int64_t> arrival_ns;
    for (std::size_t rank = 0; rank < batch.size(); ++rank) {
      arrival_ns.push_back(since_ns(batch[rank], batch[0], before[rank], after[rank]));
    }
    const auto [first, last] = std::minmax_element(arrival_ns.begin(), arrival_ns.end());
    spread_us.push_back(static_cast<double>(*last - *first) / 1e3);
  }
  return spread_us;
}

double clock_error_us(std::span<const ClockReading> before, std::span<const ClockReading> after) {
  std::vector<double> errors_us;
  for (std::size_t rank = 0; rank < before.size(); ++rank) {
    const auto round_trip = std::max(before[rank].round_trip_ns, after[rank].round_trip_ns);
    errors_us.push_back(static_cast<double>(round_trip) / 2e3);
  }
  std::sort(errors_us.rbegin(), errors_us.rend());
  if (errors_us.size() < 2) return 0;
  return errors_us[0] + errors_us[1] + 2 * kClockStepUs;
}

SkewMeter::SkewMeter(WorkerContext& context, Backend& backend, Stream& stream)
    : context_(context), backend_(backend), stream_(stream), stamp_(*backend.driver, sizeof(std::uint64_t)) {}

void SkewMeter::begin(const AllocatorWorkspace& ready) {
  mine_.clear();
  after_pause_ = true;
  before_ = read_clocks(context_, backend_, stream_, ready);
}

void SkewMeter::batch_done() {
  std::uint64_t stamp = 0;
  stream_.copy(&stamp, to_pointer(stamp_.address()), sizeof(stamp));
  stream_.synchronize();
  if (after_pause_) {
    after_pause_ = false;
    return;
  }
  mine_.push_back(stamp);
}

SkewMeter::Result SkewMeter::end(const AllocatorWorkspace& ready) {
  const auto after = read_clocks(context_, backend_, stream_, ready);
  const auto all = context_.comm.allgather("stamps", std::as_bytes(std::span(mine_)));
  check_blob_sizes(context_.comm, "stamps", all, mine_.size() * sizeof(std::uint64_t));
  std::vector<std::vector<std::uint64_t>> stamps(mine_.size(), std::vector<std::uint64_t>(all.size()));
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    for (std::size_t batch = 0; batch < mine_.size(); ++batch) {
      std::memcpy(&stamps[batch][rank], all[rank].data() + batch * sizeof(std::uint64_t), sizeof(std::uint64_t));
    }
  }
  return {.skew_us = arrival_spread_us(before_, after, stamps), .clock_error_us = clock_error_us(before_, after)};
}

}  // namespace symmbench
