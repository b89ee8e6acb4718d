#pragma once
#include <string>
#include <vector>

#include "bench/allocator_workspace.hpp"
#include "bench/backend.hpp"
#include "bench/batch_ring.hpp"
#include "bench/clocks.hpp"
#include "bench/placements.hpp"
#include "bench/schedule.hpp"
#include "config/worker_config.hpp"
#include "journal/records.hpp"
#include "plan/case.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// Where allocators that are to be compared take turns, and how many comparisons their verdict is one of.
struct Compared {
  Placements& placements;
  std::size_t comparisons = 1;
};

/// Runs one case under one or more allocators, interleaved (bench/schedule.hpp), and proves what it timed: inputs are
/// new for every batch, outputs are poisoned before and checked on the device after. Warm-up batches carry random
/// inputs, which find rounding faults; timed batches carry exact ones, where any difference at all is corruption. Lives
/// as long as one worker's group of cases. A batch is allowed what its iterations took before; one that would be longer
/// than a round between ranks is split, after a few iterations that show how long they take.
class CaseRunner {
 public:
  CaseRunner(WorkerContext& context, const WorkerConfig& config, Backend& backend, Stream& stream);

  /// From now on rows also say how far apart the ranks began, where device clocks can be read (Backend::probe).
  void observe_skew();
  /// From now on samples are marked that were taken in a placement at whose beginning or end a GPU was slowed down. Not
  /// asked around each block, nor in lifecycles: with NVML that made the use of a workspace 5 ms longer.
  void watch_slowdown() { watches_slowdown_ = true; }

  /// Collective. One row per allocator, the same on every rank: status ok or failed (wrong data). Two or more that are
  /// `compared` take turns in as many placements as the configuration asks for and as decide between them.
  /// @throws Error{kernel, timed_out} when a kernel gave up waiting for a rank; any other Error of driver or comm
  std::vector<RowRecord> run(const Case& bench_case, const std::vector<AllocatorWorkspace>& allocators,
                             std::optional<Compared> compared = std::nullopt);

 private:
  struct AllocatorRun;  // what one allocator has gathered so far

  using Runs = std::vector<AllocatorRun>;

  void capture(AllocatorRun& run, bool stamped);
  double warm_up(AllocatorRun& run);
  void slow_down(AllocatorRun& run);
  void move_to(AllocatorRun& run, const AllocatorWorkspace& place, int placement);
  void sample_in_place(Runs& runs, const Schedule& schedule, int placement, Clock::time_point start);
  void sample_in_further(Runs& runs, const Schedule& schedule, const Compared& compared, Clock::time_point start);
  bool needs_another(const Runs& runs, const Schedule& schedule, std::size_t comparisons, std::size_t measured,
                     double spent_us) const;
  std::uint64_t longest_batch_of(AllocatorRun& run);
  void note_split(const Case& bench_case, const AllocatorRun& run, std::uint64_t asked);
  void use_inputs(AllocatorRun& run, InputKind kind);
  void sample_block(AllocatorRun& run, const SampleBlock& which, std::uint64_t batches);
  double run_batch(AllocatorRun& run, Graph& graph);
  void measure_skew(AllocatorRun& run);
  double spent_by_all_us(double spent_us) const;
  bool out_of_time(const Runs& runs, double spent_us) const;
  bool narrow_enough(const Runs& runs) const;
  void verify(AllocatorRun& run);
  RowRecord row_of(const AllocatorRun& run, const BatchShape& shape) const;

  WorkerContext& context_;
  const WorkerConfig& config_;
  Deadlines deadlines_;
  bool watches_slowdown_ = false;
  Backend& backend_;
  Stream& stream_;
  std::unique_ptr<Event> batch_start_, batch_end_;
  std::optional<SkewMeter> skew_;
};

}  // namespace symmbench
