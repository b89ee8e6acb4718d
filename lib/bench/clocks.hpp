#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "bench/allocator_workspace.hpp"
#include "bench/backend.hpp"
#include "memory/local_buffer.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// Device clocks step by this much, as seen on H200s.
inline constexpr double kClockStepUs = 0.032;

/// Collective. One reading per rank of the group against the clock of its rank 0 (whose own is zero), the same on every
/// rank. Works on the bench segment. @throws what Stream and Communicator throw; Error{kernel, timed_out} for a rank
/// that did not answer
std::vector<ClockReading> read_clocks(WorkerContext& context, Backend& backend, Stream& stream,
                                      const AllocatorWorkspace& ready);

/// Collective. Fills the first `bytes` of this rank's link area with kSentinel while no rank uses it (LinkProbe).
void prepare_links(WorkerContext& context, Stream& stream, const AllocatorWorkspace& ready, std::uint64_t bytes);

/// How far apart the ranks were, for each batch, in us: `stamps[batch][rank]` are raw clocks of the ranks' devices.
/// These differ by hundreds of microseconds and drift, so each is moved to rank 0's clock by the reading before
/// and after, interpolated. @pre as many readings as ranks
std::vector<double> arrival_spread_us(std::span<const ClockReading> before, std::span<const ClockReading> after,
                                      std::span<const std::vector<std::uint64_t>> stamps);

/// What a difference of two ranks' moved stamps can be wrong by at most, in us: half a round trip for either clock, of
/// the two worst, and a step of each clock.
double clock_error_us(std::span<const ClockReading> before, std::span<const ClockReading> after);

/// How far apart ranks begin a batch. Stamped batches are batches of their own, outside the timed ones: a stamp in a
/// graph costs a launch. The first one after begin() is no sample: ranks come out of that pause apart, which says nothing
/// of batches that follow one another.
class SkewMeter {
 public:
  static constexpr int kSamples = 10;
  static constexpr int kBatches = 1 + kSamples;

  SkewMeter(WorkerContext& context, Backend& backend, Stream& stream);

  /// Enqueues the stamp: as the first node of a graph, so that the launch of the graph shows.
  void stamp() { backend_.probe->stamp(stream_, stamp_.address()); }

  /// Collective. Then kBatches times: launch a batch, synchronize, batch_done().
  void begin(const AllocatorWorkspace& ready);
  void batch_done();
  struct Result {
    std::vector<double> skew_us;
    double clock_error_us = 0;
  };
  /// Collective; the same on every rank.
  Result end(const AllocatorWorkspace& ready);

 private:
  WorkerContext& context_;
  Backend& backend_;
  Stream& stream_;
  LocalBuffer stamp_;
  std::vector<ClockReading> before_;
  std::vector<std::uint64_t> mine_;
  bool after_pause_ = true;
};

}  // namespace symmbench
