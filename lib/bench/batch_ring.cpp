#include "bench/batch_ring.hpp"

#include <algorithm>

#include "core/deadlines.hpp"
#include "core/round.hpp"
#include "core/units.hpp"
#include "kernels/patterns.hpp"
#include "stats/bandwidth.hpp"

namespace symmbench {
namespace {

constexpr std::uint64_t kGuardBytes = 256;

/// Launches per graph: long enough to hide what a launch costs, short enough for a batch to stay in milliseconds. The emulated device has nothing to hide; its batches are short so that a run is.
std::uint32_t default_iterations(std::uint64_t message_bytes, bool emulated) {
  if (emulated) return message_bytes <= kMiB ? 10 : 5;
  if (message_bytes <= 2 * kMiB) return 50;
  if (message_bytes <= 16 * kMiB) return 20;
  return message_bytes <= 64 * kMiB ? 10 : 5;
}

}  // namespace

BatchShape batch_shape(const Case& bench_case, bool emulated, std::uint64_t longest) {
  std::uint64_t wanted =
      bench_case.cudagraph > 0 ? bench_case.cudagraph : default_iterations(bench_case.shape.message_bytes(), emulated);
  if (bench_case.iters) wanted = std::min<std::uint64_t>(wanted, *bench_case.iters);
  wanted = split_batch(wanted, longest);
  std::uint64_t fitting = std::max<std::uint64_t>(kRingBudget / buffer_set_bytes(bench_case.shape, kGuardBytes), 2);
  if (bench_case.buffers > 0) fitting = std::min<std::uint64_t>(fitting, bench_case.buffers);

  BatchShape shape;
  shape.iterations = static_cast<std::uint32_t>(wanted);
  shape.buffers = static_cast<std::uint32_t>(std::min(wanted, fitting));
  if (shape.buffers == shape.iterations) return shape;
  if (bench_case.shape.in_place) {
    shape.iterations = shape.buffers;
  } else if (shape.buffers % kLamportSlots == 0) {
    --shape.buffers;
  }
  return shape;
}

double assumed_iteration_s(const Case& bench_case, bool emulated) {
  const CallShape& shape = bench_case.shape;
  const auto sent = wire_bytes(name_of(shape.algorithm), shape.message_bytes(), shape.world_size);
  const auto bytes = static_cast<double>(sent.value_or(2 * shape.message_bytes()));
  return assumed_iteration_s(shape.world_size, bytes, emulated);
}

std::uint64_t ring_bytes(const Case& bench_case, bool emulated) {
  return batch_shape(bench_case, emulated).buffers * buffer_set_bytes(bench_case.shape, kGuardBytes) +
         constant_bytes(bench_case.shape);
}

BatchRing::BatchRing(Driver& driver, Stream& stream, const Case& bench_case, const BatchShape& shape,
                     std::uint64_t seed, const std::function<std::shared_ptr<void>(std::uint64_t bytes)>& messages) {
  const auto take = [&](std::uint64_t bytes) {
    if (auto block = messages ? messages(bytes) : nullptr) {
      return reinterpret_cast<DevicePtr>(messages_.emplace_back(std::move(block)).get());
    }
    return memory_.emplace_back(driver, bytes).address();
  };
  view_ = lay_out_batch(bench_case.shape, shape.buffers, kGuardBytes, take);
  view_.seed = seed;
  start_own_state(driver, stream);
}

BatchRing::BatchRing(Driver& driver, Stream& stream, const BatchRing& owner) : view_(owner.view_) {
  start_own_state(driver, stream);
}

void BatchRing::WaitForStream::operator()(Stream* stream) const {
  try {
    stream->synchronize();
  } catch (const std::exception&) {
    // What ended the case is told already, or will be by whoever uses the stream next.
  }
}

void BatchRing::start_own_state(Driver& driver, Stream& stream) {
  users_.reset(&stream);
  view_.state = memory_.emplace_back(driver, sizeof(BatchState)).address();
  view_.report = memory_.emplace_back(driver, sizeof(VerifyReport)).address();
  static_assert(sizeof(BatchState) % 4 == 0 && sizeof(VerifyReport) % 4 == 0);
  stream.fill(view_.state, 0, sizeof(BatchState) / 4);
  stream.fill(view_.report, 0, sizeof(VerifyReport) / 4);
}

VerifyReport BatchRing::take_report(Stream& stream) {
  VerifyReport report;
  stream.copy(&report, to_pointer(view_.report), sizeof(report));
  stream.fill(view_.report, 0, sizeof(VerifyReport) / 4);
  stream.synchronize();
  return report;
}

}  // namespace symmbench
