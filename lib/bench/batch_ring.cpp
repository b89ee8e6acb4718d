#include "bench/batch_ring.hpp"

#include <algorithm>

#include "core/round.hpp"
#include "core/units.hpp"

namespace symmbench {
namespace {

constexpr std::uint64_t kGuardBytes = 256;

/// Launches per graph: long enough to hide what a launch costs, short enough for a batch to stay in milliseconds (KP,
/// method). The emulated device has nothing to hide; its batches are short so that a run is.
std::uint32_t default_iterations(std::uint64_t message_bytes, bool emulated) {
  if (emulated) return message_bytes <= kMiB ? 10 : 5;
  if (message_bytes <= 2 * kMiB) return 50;
  if (message_bytes <= 16 * kMiB) return 20;
  return message_bytes <= 64 * kMiB ? 10 : 5;
}

std::uint64_t buffer_set_bytes(const Case& bench_case) {
  const std::uint64_t message = bench_case.shape.message_bytes();
  const bool fused = bench_case.shape.pattern != Pattern::allreduce;
  return (fused ? 3 : 2) * (message + 2 * kGuardBytes);
}

}  // namespace

BatchShape batch_shape(const Case& bench_case, bool emulated) {
  std::uint64_t wanted =
      bench_case.cudagraph > 0 ? bench_case.cudagraph : default_iterations(bench_case.shape.message_bytes(), emulated);
  if (bench_case.iters) wanted = std::min<std::uint64_t>(wanted, *bench_case.iters);
  std::uint64_t fitting = std::max<std::uint64_t>(kRingBudget / buffer_set_bytes(bench_case), 2);
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

std::uint64_t ring_bytes(const Case& bench_case, bool emulated) {
  const std::uint64_t constants =
      bench_case.shape.pattern == Pattern::allreduce ? 0 : 2 * bench_case.shape.message_bytes();
  return batch_shape(bench_case, emulated).buffers * buffer_set_bytes(bench_case) + constants;
}

BatchRing::BatchRing(Driver& driver, Stream& stream, const Case& bench_case, const BatchShape& shape,
                     std::uint64_t seed) {
  view_.buffers = shape.buffers;
  view_.message_bytes = bench_case.shape.message_bytes();
  view_.guard_bytes = kGuardBytes;
  view_.seed = seed;

  const auto take = [&](LocalBuffer& buffer, std::uint64_t bytes) {
    buffer = LocalBuffer(driver, bytes);
    return buffer.address();
  };
  view_.inputs = take(inputs_, shape.buffers * view_.message_bytes);
  view_.outputs = take(outputs_, shape.buffers * view_.output_stride());
  if (bench_case.shape.pattern != Pattern::allreduce) {
    view_.residual_outputs = take(residual_outputs_, shape.buffers * view_.output_stride());
    view_.residual = take(residual_, view_.message_bytes);
    view_.gamma = take(gamma_, bench_case.shape.hidden * element_bytes(bench_case.shape.dtype));
  }
  view_.state = take(state_, sizeof(BatchState));
  view_.report = take(report_, sizeof(VerifyReport));
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
