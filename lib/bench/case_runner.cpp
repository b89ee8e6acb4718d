#include "bench/case_runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "bench/block_samples.hpp"
#include "bench/judge.hpp"
#include "core/round.hpp"
#include "kernels/patterns.hpp"
#include "stats/comparison.hpp"
#include "stats/statistics.hpp"
#include "verify/explain.hpp"

namespace symmbench {

struct CaseRunner::AllocatorRun {
  AllocatorRun(const Case& which, const AllocatorWorkspace& whose, const BatchShape& batch, BatchRing ring_of_case)
      : bench_case(which), on(whose), shape(batch), ring(std::move(ring_of_case)) {}

  const Case& bench_case;
  AllocatorWorkspace on;  // the placement at hand
  int placement = 0;
  double batch_us = 0;  // what a batch takes by itself, where it is to take longer on purpose
  BatchShape shape;
  BatchRing ring;
  std::unique_ptr<Graph> graph;
  std::unique_ptr<Graph> stamped_graph;  // the same behind a stamp of the clock; not timed
  std::vector<SampleBlock> blocks;
  std::vector<double> rank_total_us;  // by group rank, sums over all batches
  double iteration_s = 0;  // with all that is around it: assumed, then the longest that was measured on this rank
  std::uint64_t batches = 0, verified_batches = 0, checked_iterations = 0;

  std::uint64_t wrong_elements = 0;  // over all ranks
  std::optional<double> max_error;
  std::optional<SkewMeter::Result> skew;
  std::optional<Failure> failure;
  Json blame = nullptr;

  CheckCall check_call() const {
    return {.shape = bench_case.shape, .rank = on.workspace->view().rank, .iterations = shape.buffers};
  }
  std::vector<double> batch_means() const {
    std::vector<double> all;
    for (const auto& block : blocks) all.insert(all.end(), block.batch_us.begin(), block.batch_us.end());
    return all;
  }
};

CaseRunner::CaseRunner(WorkerContext& context, const WorkerConfig& config, Backend& backend, Stream& stream)
    : context_(context),
      config_(config),
      deadlines_(deadlines_of(config)),
      backend_(backend),
      stream_(stream),
      batch_start_(stream.make_event()),
      batch_end_(stream.make_event()) {}

void CaseRunner::observe_skew() {
  if (backend_.probe && context_.comm.size() > 1) skew_.emplace(context_, backend_, stream_);
}

std::vector<RowRecord> CaseRunner::run(const Case& bench_case, const std::vector<AllocatorWorkspace>& allocators,
                                       std::optional<Compared> compared) {
  const auto start = Clock::now();
  const BatchShape asked = batch_shape(bench_case, backend_.emulated);
  BatchShape shape = asked;
  const double assumed_s = assumed_iteration_s(bench_case, backend_.emulated);
  const auto untried = longest_batch(deadlines_, assumed_s);
  Runs runs;
  runs.reserve(allocators.size());
  double batch_us = 0;
  for (const auto& allocator : allocators) {
    const bool tried_first = runs.empty() && asked.iterations > untried;
    if (tried_first) shape = batch_shape(bench_case, backend_.emulated, std::min(untried, kFewIterations));
    BatchRing ring =
        runs.empty() ? BatchRing(*backend_.driver, stream_, bench_case, shape, config_.seed, backend_.message_memory)
                     : BatchRing(*backend_.driver, stream_, runs.front().ring);
    AllocatorRun& run = runs.emplace_back(bench_case, allocator, shape, std::move(ring));
    run.iteration_s = assumed_s;
    if (tried_first) {
      shape = batch_shape(bench_case, backend_.emulated, longest_batch_of(run));
      run.shape = shape;
      run.ring = BatchRing(*backend_.driver, stream_, bench_case, shape, config_.seed, backend_.message_memory);
    }
    batch_us = std::max(batch_us, warm_up(run));
  }
  if (shape.iterations < asked.iterations) note_split(bench_case, runs.front(), asked.iterations);

  if (runs.size() < 2 || config_.placements < 2) compared.reset();
  const BatchBudget budget{
      .batch_us = spent_by_all_us(batch_us), .case_time_us = config_.case_time_s * 1e6, .emulated = backend_.emulated};
  const Schedule schedule =
      compared ? schedule_over(config_.placements, bench_case, shape, budget) : schedule_of(bench_case, shape);
  sample_in_place(runs, schedule, 0, start);
  for (auto& run : runs) measure_skew(run);
  if (compared) sample_in_further(runs, schedule, *compared, start);

  std::vector<RowRecord> rows;
  for (auto& run : runs) {
    verify(run);
    rows.push_back(row_of(run, shape));
  }
  return rows;
}

void CaseRunner::sample_in_place(Runs& runs, const Schedule& schedule, int placement, Clock::time_point start) {
  const auto order = interleaved_order(runs.size());
  const SlowdownWatch::Ask nobody;
  const SlowdownWatch watch(watches_slowdown_ ? backend_.slowed_down : nobody);
  const auto blocks = static_cast<int>(runs.front().blocks.size() * runs.size());
  int position = blocks;
  for (std::uint64_t round = 0; round < schedule.rounds; ++round) {
    for (const std::size_t index : order) {
      sample_block(runs[index], {.position = position++, .placement = placement}, schedule.batches_per_block);
    }
    if (schedule.rounds == 1 || runs.front().bench_case.iters) continue;
    if (out_of_time(runs, microseconds_since(start)) || narrow_enough(runs)) break;
  }
  if (!watches_slowdown_) return;
  const auto slowed = slowed_ranks(context_.comm, watch.answer());
  for (AllocatorRun& run : runs) {
    for (SampleBlock& block : run.blocks) {
      if (block.placement == placement) block.slowed_ranks = slowed;
    }
  }
}

void CaseRunner::sample_in_further(Runs& runs, const Schedule& schedule, const Compared& compared,
                                   Clock::time_point start) {
  std::size_t index = 1;
  while (needs_another(runs, schedule, compared.comparisons, index, microseconds_since(start))) {
    if (!compared.placements.provide(index)) break;
    const int placement = static_cast<int>(index);
    for (auto& run : runs) move_to(run, compared.placements.at(run.on.allocator, index), placement);
    sample_in_place(runs, schedule, placement, start);
    ++index;
  }
}

bool CaseRunner::needs_another(const Runs& runs, const Schedule& schedule, std::size_t comparisons,
                               std::size_t measured, double spent_us) const {
  if (measured >= schedule.most_placements) return false;
  if (!runs.front().bench_case.iters && measured >= kPlacementsToDecide && out_of_time(runs, spent_us)) return false;
  if (measured < schedule.placements) return true;
  const auto blocks_of = [](const AllocatorRun& run, int placement) {
    std::vector<std::vector<double>> times;
    for (const auto& block : run.blocks) {
      if (block.placement == placement) times.push_back(block.batch_us);
    }
    return times;
  };
  const bool decided = std::all_of(runs.begin() + 1, runs.end(), [&](const AllocatorRun& run) {
    std::vector<PlacementBlocks> both;
    for (int placement = 0; placement < static_cast<int>(measured); ++placement) {
      both.push_back({.a = blocks_of(runs.front(), placement), .b = blocks_of(run, placement)});
    }
    const auto paired = pair_up(both);
    return !paired || compare_early(*paired, comparisons).verdict != PairVerdict::ambiguous;
  });
  return !decided || !(runs.front().bench_case.iters || narrow_enough(runs));
}

/// Collective: how long a batch may be, after two short ones that are not timed.
std::uint64_t CaseRunner::longest_batch_of(AllocatorRun& run) {
  capture(run, false);
  use_inputs(run, InputKind::random);
  for (int batch = 0; batch < 2; ++batch) run_batch(run, *run.graph);
  verify(run);
  const auto seen_s = allgather_value(context_.comm, "time of an iteration", run.iteration_s);
  run.iteration_s = *std::max_element(seen_s.begin(), seen_s.end());
  return longest_batch(deadlines_, run.iteration_s);
}

void CaseRunner::note_split(const Case& bench_case, const AllocatorRun& run, std::uint64_t asked) {
  if (context_.comm.rank() != 0) return;
  context_.records.append(to_json(EventRecord{
      .group = bench_case.group,
      .what = "batch_split",
      .detail =
          fmt::format("{}: batches of {} iterations instead of {}: an iteration takes {:.3g} ms, and a batch must "
                      "end well within {:.3g} s",
                      bench_case.id(), run.shape.iterations, asked, run.iteration_s * 1e3, deadlines_.round_s),
      .data = nullptr}));
}

/// Launch i of every batch uses the same addresses, so one recording serves all; what changes from batch to batch
/// (iteration, epoch, slot) lives in device memory.
void CaseRunner::capture(AllocatorRun& run, bool stamped) {
  const auto launches = [&] {
    for (std::uint64_t i = 0; i < run.shape.iterations; ++i) {
      const AllreduceCall call = call_on(run.ring.view(), i, run.bench_case.shape, run.on.workspace->view());
      backend_.kernels->allreduce(stream_, call);
    }
    const double delay_us = run.batch_us * backend_.slowed_by(run.on.allocator, run.placement);
    if (delay_us > 0) backend_.delay(stream_, delay_us);
  };
  run.graph = stream_.capture(launches);
  run.stamped_graph.reset();
  if (!stamped || !skew_) return;
  run.stamped_graph = stream_.capture([&] {
    skew_->stamp();
    launches();
  });
}

/// How long the last batch took, with all that is around it.
double CaseRunner::warm_up(AllocatorRun& run) {
  capture(run, true);
  const std::uint64_t batches = std::max<std::uint64_t>(1, ceil_div(run.bench_case.warmup_iters, run.shape.iterations));
  use_inputs(run, InputKind::random);
  auto start = Clock::now();
  for (std::uint64_t b = 0; b < batches; ++b) {
    start = Clock::now();
    run_batch(run, *run.graph);
  }
  const double batch_us = microseconds_since(start);
  slow_down(run);
  verify(run);
  use_inputs(run, InputKind::exact);
  return batch_us;
}

/// What makes a batch slower on purpose follows from the best of a few, of the slowest rank: the first is cold.
void CaseRunner::slow_down(AllocatorRun& run) {
  constexpr int kTries = 3;
  if (!backend_.slows_batches) return;
  double best_us = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kTries; ++i) best_us = std::min(best_us, run_batch(run, *run.graph) * run.shape.iterations);
  run.batch_us = spent_by_all_us(best_us);
  capture(run, true);
}

/// One batch in the new place is not timed: a graph's first launch takes longer, and caches and translations are those
/// of the one before. The emulated device has neither.
void CaseRunner::move_to(AllocatorRun& run, const AllocatorWorkspace& place, int placement) {
  verify(run);  // what is wrong here must be known before the next place is blamed
  run.on = place;
  run.placement = placement;
  capture(run, false);
  if (!backend_.emulated) run_batch(run, *run.graph);
}

void CaseRunner::use_inputs(AllocatorRun& run, InputKind kind) {
  run.ring.use_inputs(kind);
  // Residual and gamma are of the same kind as the inputs.
  backend_.kernels->fill_constants(stream_, run.ring.view(), run.check_call());
}

double CaseRunner::run_batch(AllocatorRun& run, Graph& graph) {
  context_.heartbeat.allocator(run.on.allocator);
  const auto& workspace = *run.on.workspace;
  const auto& batch = run.ring.view();
  const CheckCall check = run.check_call();
  const double expected_s = run.iteration_s * run.shape.iterations;
  context_.heartbeat.allow(allowance_s(deadlines_, expected_s));
  stream_.allow_work(nanoseconds_of(kWorkFactor * expected_s));
  const auto start = Clock::now();

  backend_.kernels->fill_inputs(stream_, batch, check);
  if (check.shape.in_place) {
    const OutputKind in_place = spec_of(check.shape.pattern).outputs[0].kind;
    for (std::uint64_t i = 0; i < run.shape.buffers; ++i) {
      stream_.copy(to_pointer(batch.output(in_place, i)), to_pointer(batch.input(i)), batch.input_bytes);
    }
  }
  backend_.kernels->device_barrier(stream_, workspace.view(), run.on.flags());
  stream_.record(*batch_start_);
  graph.launch();
  stream_.record(*batch_end_);
  context_.heartbeat.iteration(run.batches * run.shape.iterations);
  if (config_.check == CheckMode::on) {
    // The ring then starts its next round: slot 0 belongs to the first iteration of the next batch.
    backend_.kernels->check(stream_, batch, check, round_up(run.shape.iterations, run.shape.buffers));
    run.checked_iterations += run.shape.buffers;
  }
  stream_.synchronize();
  if (const auto failure = workspace.gave_up()) throw Error(*failure);
  const double iteration_s = microseconds_since(start) * 1e-6 / run.shape.iterations;
  // The first of all also loads code.
  run.iteration_s = run.batches < 2 ? iteration_s : std::max(run.iteration_s, iteration_s);
  ++run.batches;
  return stream_.elapsed_us(*batch_start_, *batch_end_) / run.shape.iterations;
}

void CaseRunner::sample_block(AllocatorRun& run, const SampleBlock& which, std::uint64_t batches) {
  std::vector<double> mine(batches);
  for (double& batch_us : mine) batch_us = run_batch(run, *run.graph);
  run.blocks.push_back(gather_block(context_.comm, which, mine, run.rank_total_us));
}

void CaseRunner::measure_skew(AllocatorRun& run) {
  if (!skew_) return;
  skew_->begin(run.on);
  for (int batch = 0; batch < SkewMeter::kBatches; ++batch) {
    run_batch(run, *run.stamped_graph);
    skew_->batch_done();
  }
  run.skew = skew_->end(run.on);
}

/// The longest of all ranks: every rank must decide alike, and samples are common already.
double CaseRunner::spent_by_all_us(double spent_us) const {
  const auto spent = allgather_value(context_.comm, "time spent", spent_us);
  return *std::max_element(spent.begin(), spent.end());
}

bool CaseRunner::out_of_time(const Runs& runs, double spent_us) const {
  return spent_by_all_us(spent_us) >= config_.case_time_s * 1e6 * static_cast<double>(runs.size());
}

bool CaseRunner::narrow_enough(const Runs& runs) const {
  return std::all_of(runs.begin(), runs.end(), [&](const AllocatorRun& run) {
    const auto width = relative_ci_width(run.batch_means());
    return width && *width <= config_.ci_width;
  });
}

void CaseRunner::verify(AllocatorRun& run) {
  context_.heartbeat.allocator(run.on.allocator);
  run.on.workspace->check_canaries();
  if (config_.check == CheckMode::off) return;
  const VerifyReport report = run.ring.take_report(stream_);
  const CheckSummary mine{.checked_elements = report.checked_elements,
                          .wrong_elements = report.wrong_elements,
                          .guard_words = report.guard_words_overwritten,
                          .digest = report.digest,
                          .max_error = std::bit_cast<float>(report.max_error_bits)};
  const std::uint64_t iterations = (run.batches - run.verified_batches) * run.shape.buffers;
  const CheckScope scope{.elements = iterations * elements_to_check(run.bench_case.shape),
                         .same_bits = sums_in_rank_order(run.bench_case.shape.algorithm)};
  run.verified_batches = run.batches;
  const CheckResult result = judge(allgather_value(context_.comm, "check", mine), scope);
  run.wrong_elements += result.wrong_elements;
  run.max_error = std::max(run.max_error.value_or(0), result.max_error);
  if (!result.failure) return;

  Json explained = nullptr;
  if (mine.wrong_elements > 0) {
    explained = to_json(explain(report, {.shape = run.bench_case.shape,
                                         .seed = config_.seed,
                                         .kind = run.ring.view().kind,
                                         .buffers = run.shape.buffers}));
  }
  const auto blames = allgather_text(context_.comm, "blame", explained.dump());
  Failure failure = *result.failure;
  if (result.wrong_elements > 0) {
    run.blame = parse_json(blames[static_cast<std::size_t>(*failure.rank)], "blame");
    failure.detail += ": " + run.blame.value("summary", std::string("unexplained"));
    failure.peer = blamed_source(run.blame);
  }
  failure.rank = context_.comm.world_rank(*failure.rank);
  if (failure.peer) failure.peer = context_.comm.world_rank(*failure.peer);
  run.failure = std::move(failure);
  // What was wrong may still sit in the Lamport slots; the next case must not inherit it.
  run.on.reset({.comm = context_.comm});
}

RowRecord CaseRunner::row_of(const AllocatorRun& run, const BatchShape& shape) const {
  RowRecord row{.case_id = run.bench_case.id(),
                .allocator = run.on.allocator,
                .group = run.bench_case.group,
                .attempt = context_.request.attempt,
                .status = run.failure ? "failed" : "ok"};
  if (run.failure) row.reason = run.failure->detail;
  row.failure = run.failure;
  const LaunchShape launch = backend_.kernels->launch_shape(run.bench_case.shape);
  row.launch =
      Json{{"blocks", launch.blocks}, {"threads", launch.threads}, {"cluster", launch.cluster}, {"pdl", launch.pdl},
           {"graph", true},           {"buffers", shape.buffers}};
  row.launch["trigger"] = launch.pdl ? Json(name_of(run.bench_case.shape.trigger)) : Json(nullptr);
  row.iterations_per_batch = shape.iterations;
  row.blocks = run.blocks;
  const double batches = static_cast<double>(run.batch_means().size());
  for (const double total_us : run.rank_total_us) row.rank_mean_us.push_back(total_us / batches);
  row.checked_iterations = run.checked_iterations;
  row.checked_every = config_.check == CheckMode::on ? shape.checked_every() : 0;
  row.wrong_elements = run.wrong_elements;
  row.max_error = run.max_error;
  row.blame = run.blame;
  if (run.skew) {
    row.skew_us = run.skew->skew_us;
    row.clock_error_us = run.skew->clock_error_us;
  }
  return row;
}

}  // namespace symmbench
