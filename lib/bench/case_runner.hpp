#pragma once
#include <string>
#include <vector>

#include "bench/backend.hpp"
#include "bench/batch_ring.hpp"
#include "bench/clocks.hpp"
#include "journal/records.hpp"
#include "plan/case.hpp"
#include "supervise/worker.hpp"
#include "workspace/workspace.hpp"

namespace symmbench {

/// One allocator's workspace, ready to take part in a case.
struct AllocatorWorkspace {
  std::string allocator;
  Workspace* workspace = nullptr;  ///< not owned
};

/// Runs one case under one or more allocators, interleaved (bench/schedule.hpp), and proves what it timed: inputs are
/// new for every batch, outputs are poisoned before and checked on the device after. Warm-up batches carry random
/// inputs, which find rounding faults; timed batches carry exact ones, where any difference at all is corruption. Lives
/// as long as one worker's group of cases.
class CaseRunner {
 public:
  CaseRunner(WorkerContext& context, const WorkerConfig& config, Backend& backend, Stream& stream);

  /// From now on rows also say how far apart the ranks began, where device clocks can be read (Backend::probe).
  void observe_skew();

  /// Collective. One row per allocator, the same on every rank: status ok or failed (wrong data).
  /// @throws Error{kernel, timed_out} when a kernel gave up waiting for a rank; any other Error of driver or comm
  std::vector<RowRecord> run(const Case& bench_case, const std::vector<AllocatorWorkspace>& allocators);

 private:
  struct AllocatorRun;  // what one allocator has gathered so far

  void warm_up(AllocatorRun& run);
  void use_inputs(AllocatorRun& run, InputKind kind);
  void sample_block(AllocatorRun& run, int position, std::uint64_t batches);
  double run_batch(AllocatorRun& run, Graph& graph);
  void measure_skew(AllocatorRun& run);
  bool sampled_enough(const std::vector<AllocatorRun>& runs, double spent_us) const;
  void verify(AllocatorRun& run);
  RowRecord row_of(const AllocatorRun& run, const BatchShape& shape) const;

  WorkerContext& context_;
  const WorkerConfig& config_;
  Deadlines deadlines_;
  Backend& backend_;
  Stream& stream_;
  std::unique_ptr<Event> batch_start_, batch_end_;
  std::optional<SkewMeter> skew_;
};

}  // namespace symmbench
