#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "kernels/kernel_set.hpp"
#include "memory/local_buffer.hpp"
#include "plan/case.hpp"

namespace symmbench {

/// How many iterations make one timed batch, and how many of them keep data of their own.
struct BatchShape {
  std::uint32_t iterations = 0;  ///< launches per batch
  std::uint32_t buffers = 0;     ///< ring positions; iteration i of a batch uses buffer i % buffers
  /// Of the launches of a batch, one in this many has its result checked: the last one in each slot. The earlier ones
  /// of a slot had the same input: a last one that stored nothing would pass on their results.
  std::uint32_t checked_every() const { return (iterations + buffers - 1) / buffers; }
};

/// Every iteration gets a slot while the ring fits kRingBudget and no fewer were asked for (Case::buffers, at least 2);
/// beyond it buffers are shared, and their number is then prime to kLamportSlots, or a packet left in a Lamport slot
/// would meet the same input again and pass. In-place cases never share: the second use would sum what the first
/// one left.
/// A batch of more than `longest` iterations is split in equal parts, of which this is one.
BatchShape batch_shape(const Case& bench_case, bool emulated, std::uint64_t longest = UINT64_MAX);

/// What one iteration may take before any was measured, in s (core/deadlines.hpp).
double assumed_iteration_s(const Case& bench_case, bool emulated);

/// Device memory of one rank for the batches of a case, whatever the number of its allocators.
std::uint64_t ring_bytes(const Case& bench_case, bool emulated);

inline constexpr std::uint64_t kRingBudget = std::uint64_t{256} << 20;
/// Enough to see how long an iteration takes, where a whole batch might be too long.
inline constexpr std::uint64_t kFewIterations = 8;

/// Device memory for the batches of one case: inputs, guarded outputs, constants, state and the verify report.
class BatchRing {
 public:
  /// `messages` as Backend::message_memory. @throws Error{driver, out_of_memory}
  BatchRing(Driver& driver, Stream& stream, const Case& bench_case, const BatchShape& shape, std::uint64_t seed,
            const std::function<std::shared_ptr<void>(std::uint64_t bytes)>& messages = {});
  /// The same buffers with a state and a report of its own, for another allocator that takes turns on them: where
  /// buffers lie is then no difference between allocators. `owner` must outlive it.
  BatchRing(Driver& driver, Stream& stream, const BatchRing& owner);

  const BatchView& view() const { return view_; }
  /// What the next batches are filled with and checked against.
  void use_inputs(InputKind kind) { view_.kind = kind; }
  /// Waits for the stream, copies the report out and starts an empty one.
  VerifyReport take_report(Stream& stream);

 private:
  void start_own_state(Driver& driver, Stream& stream);

  /// Ends what still runs on the buffers, whatever comes of it: on the way out of a failure nobody has waited for it.
  struct WaitForStream {
    void operator()(Stream* stream) const;
  };

  std::vector<LocalBuffer> memory_;
  std::vector<std::shared_ptr<void>> messages_;
  std::unique_ptr<Stream, WaitForStream> users_;  ///< not owned; goes before the memory does
  BatchView view_;
};

}  // namespace symmbench
