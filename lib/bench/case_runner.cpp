#include "bench/case_runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "bench/judge.hpp"
#include "bench/schedule.hpp"
#include "core/round.hpp"
#include "kernels/patterns.hpp"
#include "stats/statistics.hpp"
#include "verify/explain.hpp"

namespace symmbench {

struct CaseRunner::AllocatorRun {
  AllocatorRun(const Case& which, const AllocatorWorkspace& whose, const BatchShape& batch, BatchRing ring_of_case)
      : bench_case(which), on(whose), workspace(*whose.workspace), shape(batch), ring(std::move(ring_of_case)) {}

  const Case& bench_case;
  AllocatorWorkspace on;
  Workspace& workspace;
  BatchShape shape;
  BatchRing ring;
  std::unique_ptr<Graph> graph;
  std::unique_ptr<Graph> stamped_graph;  // the same behind a stamp of the clock; not timed
  std::vector<SampleBlock> blocks;
  std::vector<double> rank_total_us;  // by group rank, sums over all batches
  std::uint64_t batches = 0, verified_batches = 0, checked_iterations = 0;

  std::uint64_t wrong_elements = 0;  // over all ranks
  std::optional<double> max_error;
  std::optional<SkewMeter::Result> skew;
  std::optional<Failure> failure;
  Json blame = nullptr;

  CheckCall check_call() const {
    return {.shape = bench_case.shape,
            .rank = workspace.view().rank,
            .iterations = shape.buffers,
            .parameters = bench_case.parameters};
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

std::vector<RowRecord> CaseRunner::run(const Case& bench_case, const std::vector<AllocatorWorkspace>& allocators) {
  const auto start = Clock::now();
  const BatchShape shape = batch_shape(bench_case, backend_.emulated);
  std::vector<AllocatorRun> runs;
  for (const auto& allocator : allocators) {
    runs.emplace_back(bench_case, allocator, shape,
                      BatchRing(*backend_.driver, stream_, bench_case, shape, config_.seed));
    warm_up(runs.back());
  }

  const Schedule schedule = schedule_of(bench_case, shape);
  const auto order = interleaved_order(allocators.size());
  int position = 0;
  for (std::uint64_t round = 0; round < schedule.rounds; ++round) {
    for (const std::size_t index : order) sample_block(runs[index], position++, schedule.batches_per_block);
    if (!bench_case.iters && sampled_enough(runs, microseconds_since(start))) break;
  }

  std::vector<RowRecord> rows;
  for (auto& run : runs) {
    measure_skew(run);
    verify(run);
    rows.push_back(row_of(run, shape));
  }
  return rows;
}

void CaseRunner::warm_up(AllocatorRun& run) {
  const auto& view = run.workspace.view();
  const auto& batch = run.ring.view();
  // Launch i of every batch uses the same addresses, so one recording serves all; what changes from batch to batch
  // (iteration, epoch, slot) lives in device memory.
  const auto launches = [&] {
    for (std::uint64_t i = 0; i < run.shape.iterations; ++i) {
      const AllreduceCall call = call_on(batch, i, run.bench_case.shape, view, run.bench_case.parameters);
      backend_.kernels->allreduce(stream_, call);
    }
  };
  run.graph = stream_.capture(launches);
  if (skew_) {
    run.stamped_graph = stream_.capture([&] {
      skew_->stamp();
      launches();
    });
  }
  const std::uint64_t batches = std::max<std::uint64_t>(1, ceil_div(run.bench_case.warmup_iters, run.shape.iterations));
  use_inputs(run, InputKind::random);
  for (std::uint64_t b = 0; b < batches; ++b) run_batch(run, *run.graph);
  verify(run);
  use_inputs(run, InputKind::exact);
}

void CaseRunner::use_inputs(AllocatorRun& run, InputKind kind) {
  run.ring.use_inputs(kind);
  // Residual and gamma are of the same kind as the inputs.
  backend_.kernels->fill_constants(stream_, run.ring.view(), run.check_call());
}

double CaseRunner::run_batch(AllocatorRun& run, Graph& graph) {
  const auto& workspace = run.workspace;
  const auto& batch = run.ring.view();
  const CheckCall check = run.check_call();
  context_.heartbeat.allow(deadlines_.round_s);

  backend_.kernels->fill_inputs(stream_, batch, check);
  if (check.shape.in_place) {
    const OutputKind in_place = spec_of(check.shape.pattern).outputs[0].kind;
    for (std::uint64_t i = 0; i < run.shape.buffers; ++i) {
      stream_.copy(to_pointer(batch.output(in_place, i)), to_pointer(batch.input(i)), batch.message_bytes);
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
  ++run.batches;
  return stream_.elapsed_us(*batch_start_, *batch_end_) / run.shape.iterations;
}

void CaseRunner::sample_block(AllocatorRun& run, int position, std::uint64_t batches) {
  std::vector<double> mine(batches);
  for (double& batch_us : mine) batch_us = run_batch(run, *run.graph);

  const auto all = context_.comm.allgather("samples", std::as_bytes(std::span(mine)));
  SampleBlock block{.position = position, .batch_us = std::vector<double>(batches, 0.0)};
  run.rank_total_us.resize(all.size(), 0.0);
  for (std::size_t r = 0; r < all.size(); ++r) {
    std::vector<double> theirs(batches);
    std::memcpy(theirs.data(), all[r].data(), batches * sizeof(double));
    for (std::size_t b = 0; b < batches; ++b) {
      block.batch_us[b] = std::max(block.batch_us[b], theirs[b]);
      run.rank_total_us[r] += theirs[b];
    }
  }
  run.blocks.push_back(std::move(block));
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

bool CaseRunner::sampled_enough(const std::vector<AllocatorRun>& runs, double spent_us) const {
  // Every rank must decide alike: samples are common already, time is made so.
  const auto spent = allgather_value(context_.comm, "time spent", spent_us);
  const double cap_us = config_.case_time_s * 1e6 * static_cast<double>(runs.size());
  if (*std::max_element(spent.begin(), spent.end()) >= cap_us) return true;
  return std::all_of(runs.begin(), runs.end(), [&](const AllocatorRun& run) {
    const auto width = relative_ci_width(run.batch_means());
    return width && *width <= config_.ci_width;
  });
}

void CaseRunner::verify(AllocatorRun& run) {
  run.workspace.check_canaries();
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
  row.iterations_per_batch = shape.iterations;
  row.blocks = run.blocks;
  for (const double total_us : run.rank_total_us) {
    const double batches = static_cast<double>(run.batch_means().size());
    row.rank_mean_us.push_back(total_us / batches);
  }
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
