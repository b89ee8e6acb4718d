#include "bench/case_runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "core/round.hpp"
#include "stats/statistics.hpp"
#include "verify/explain.hpp"

namespace symmbench {
namespace {

/// How the batches of one contender are dealt to its blocks; a round of the interleaved order gives it two blocks.
struct Schedule {
  std::uint64_t rounds = 1, batches_per_block = 1;
};

/// Without an iteration count: rounds until the interval is narrow enough, each long enough to judge a block by. With
/// one: the more pairs of blocks the better the comparison, up to kRounds; what does not divide is rounded up.
Schedule schedule_of(const Case& bench_case, const BatchShape& shape) {
  constexpr std::uint64_t kBatchesPerBlock = 5, kRounds = 3, kNoLimit = 1'000'000;
  if (!bench_case.iters) return {kNoLimit, kBatchesPerBlock};
  const std::uint64_t batches = ceil_div(*bench_case.iters, shape.iterations);
  const std::uint64_t rounds = std::clamp<std::uint64_t>(batches / 2, 1, kRounds);
  return {rounds, ceil_div(batches, 2 * rounds)};
}

/// What each rank contributes at the end of a case, by value.
struct CheckSummary {
  std::uint64_t checked_elements, wrong_elements, guard_words, digest;
  float max_error;
};

}  // namespace

std::vector<std::size_t> interleaved_order(std::size_t contenders) {
  std::vector<std::size_t> order(contenders * 2);
  std::iota(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(contenders), std::size_t{0});
  std::reverse_copy(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(contenders),
                    order.begin() + static_cast<std::ptrdiff_t>(contenders));
  return order;
}

struct CaseRunner::Track {
  Track(const Case& which, const Contender& who, const BatchShape& batch, BatchRing ring_of_case)
      : bench_case(which), contender(who), shape(batch), ring(std::move(ring_of_case)) {}

  const Case& bench_case;
  Contender contender;
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
            .rank = contender.workspace->view().rank,
            .iterations = shape.buffers,
            .epsilon = bench_case.epsilon,
            .weight_bias = bench_case.weight_bias};
  }
  std::vector<double> batch_means() const {
    std::vector<double> all;
    for (const auto& block : blocks) all.insert(all.end(), block.batch_us.begin(), block.batch_us.end());
    return all;
  }
};

CaseRunner::CaseRunner(WorkerContext& context, const RunConfig& config, Backend& backend, Stream& stream)
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

std::vector<RowRecord> CaseRunner::run(const Case& bench_case, const std::vector<Contender>& contenders) {
  const auto start = Clock::now();
  const BatchShape shape = batch_shape(bench_case, backend_.emulated);
  std::vector<Track> tracks;
  for (const auto& contender : contenders) {
    tracks.emplace_back(bench_case, contender, shape,
                        BatchRing(*backend_.driver, stream_, bench_case, shape, config_.seed));
    warm_up(tracks.back());
  }

  const Schedule schedule = schedule_of(bench_case, shape);
  const auto order = interleaved_order(contenders.size());
  int position = 0;
  for (std::uint64_t round = 0; round < schedule.rounds; ++round) {
    for (const std::size_t index : order) sample_block(tracks[index], position++, schedule.batches_per_block);
    if (!bench_case.iters && sampled_enough(tracks, microseconds_since(start))) break;
  }

  std::vector<RowRecord> rows;
  for (auto& track : tracks) {
    measure_skew(track);
    verify(track);
    rows.push_back(row_of(track, shape));
  }
  return rows;
}

void CaseRunner::warm_up(Track& track) {
  const auto& view = track.contender.workspace->view();
  const auto& batch = track.ring.view();
  // Launch i of every batch uses the same addresses, so one recording serves all; what changes from batch to batch
  // (iteration, epoch, slot) lives in device memory.
  const auto launches = [&] {
    for (std::uint64_t i = 0; i < track.shape.iterations; ++i) {
      AllreduceCall call{.shape = track.bench_case.shape,
                         .view = &view,
                         .input = track.bench_case.shape.in_place ? batch.output(i) : batch.input(i),
                         .output = batch.output(i),
                         .epsilon = track.bench_case.epsilon,
                         .weight_bias = track.bench_case.weight_bias};
      if (track.bench_case.shape.pattern != Pattern::allreduce) {
        call.residual = batch.residual;
        call.gamma = batch.gamma;
        call.residual_out = batch.residual_output(i);
      }
      backend_.kernels->allreduce(stream_, call);
    }
  };
  track.graph = stream_.capture(launches);
  if (skew_) {
    track.stamped_graph = stream_.capture([&] {
      skew_->stamp();
      launches();
    });
  }
  const std::uint64_t batches =
      std::max<std::uint64_t>(1, ceil_div(track.bench_case.warmup_iters, track.shape.iterations));
  use_inputs(track, InputKind::random);
  for (std::uint64_t b = 0; b < batches; ++b) run_batch(track, *track.graph);
  verify(track);
  use_inputs(track, InputKind::exact);
}

void CaseRunner::use_inputs(Track& track, InputKind kind) {
  track.ring.use_inputs(kind);
  // Residual and gamma are of the same kind as the inputs.
  backend_.kernels->fill_constants(stream_, track.ring.view(), track.check_call());
}

double CaseRunner::run_batch(Track& track, Graph& graph) {
  const auto& workspace = *track.contender.workspace;
  const auto& batch = track.ring.view();
  const CheckCall check = track.check_call();
  context_.heartbeat.allow(deadlines_.round_s);

  backend_.kernels->fill_inputs(stream_, batch, check);
  if (check.shape.in_place) {
    for (std::uint64_t i = 0; i < track.shape.buffers; ++i) {
      stream_.copy(to_pointer(batch.output(i)), to_pointer(batch.input(i)), batch.message_bytes);
    }
  }
  backend_.kernels->device_barrier(stream_, workspace.view(), workspace.view().flags());
  stream_.record(*batch_start_);
  graph.launch();
  stream_.record(*batch_end_);
  context_.heartbeat.iteration(track.batches * track.shape.iterations);
  if (config_.check == CheckMode::on) {
    // The ring then starts its next round: slot 0 belongs to the first iteration of the next batch.
    backend_.kernels->check(stream_, batch, check, round_up(track.shape.iterations, track.shape.buffers));
    track.checked_iterations += track.shape.buffers;
  }
  stream_.synchronize();
  if (const auto failure = workspace.gave_up()) throw Error(*failure);
  ++track.batches;
  return stream_.elapsed_us(*batch_start_, *batch_end_) / track.shape.iterations;
}

void CaseRunner::sample_block(Track& track, int position, std::uint64_t batches) {
  std::vector<double> mine(batches);
  for (double& batch_us : mine) batch_us = run_batch(track, *track.graph);

  const auto all = context_.comm.allgather("samples", std::as_bytes(std::span(mine)));
  SampleBlock block{.position = position, .batch_us = std::vector<double>(batches, 0.0)};
  track.rank_total_us.resize(all.size(), 0.0);
  for (std::size_t r = 0; r < all.size(); ++r) {
    std::vector<double> theirs(batches);
    std::memcpy(theirs.data(), all[r].data(), batches * sizeof(double));
    for (std::size_t b = 0; b < batches; ++b) {
      block.batch_us[b] = std::max(block.batch_us[b], theirs[b]);
      track.rank_total_us[r] += theirs[b];
    }
  }
  track.blocks.push_back(std::move(block));
}

void CaseRunner::measure_skew(Track& track) {
  if (!skew_) return;
  auto& workspace = *track.contender.workspace;
  skew_->begin(workspace);
  for (int batch = 0; batch < SkewMeter::kBatches; ++batch) {
    run_batch(track, *track.stamped_graph);
    skew_->batch_done();
  }
  track.skew = skew_->end(workspace);
}

bool CaseRunner::sampled_enough(const std::vector<Track>& tracks, double spent_us) const {
  // Every rank must decide alike: samples are common already, time is made so.
  const auto spent = allgather_value(context_.comm, "time spent", spent_us);
  const double cap_us = config_.case_time_s * 1e6 * static_cast<double>(tracks.size());
  if (*std::max_element(spent.begin(), spent.end()) >= cap_us) return true;
  return std::all_of(tracks.begin(), tracks.end(), [&](const Track& track) {
    const auto width = relative_ci_width(track.batch_means());
    return width && *width <= config_.ci_width;
  });
}

void CaseRunner::verify(Track& track) {
  auto& workspace = *track.contender.workspace;
  workspace.check_canaries();
  if (config_.check == CheckMode::off) return;

  const VerifyReport report = track.ring.take_report(stream_);
  const CheckSummary mine{.checked_elements = report.checked_elements,
                          .wrong_elements = report.wrong_elements,
                          .guard_words = report.guard_words_overwritten,
                          .digest = report.digest,
                          .max_error = std::bit_cast<float>(report.max_error_bits)};
  const auto all = allgather_value(context_.comm, "check", mine);
  if (!track.max_error) track.max_error = 0;
  // Nothing is proved by a check that looked at less than it was asked to.
  const std::uint64_t outputs = track.bench_case.shape.pattern == Pattern::allreduce ? 1 : 2;
  const std::uint64_t elements = track.bench_case.shape.tokens * track.bench_case.shape.hidden;
  const std::uint64_t to_check = (track.batches - track.verified_batches) * track.shape.buffers * outputs * elements;
  track.verified_batches = track.batches;
  const bool same_bits = sums_in_rank_order(track.bench_case.shape.algorithm);
  std::optional<int> differs, overwrote, wrong, unchecked;
  std::uint64_t checked = 0;
  for (std::size_t r = 0; r < all.size(); ++r) {
    const int rank = static_cast<int>(r);
    checked += all[r].checked_elements;
    track.wrong_elements += all[r].wrong_elements;
    track.max_error = std::max(*track.max_error, static_cast<double>(all[r].max_error));
    if (all[r].checked_elements != to_check && !unchecked) unchecked = rank;
    if (all[r].wrong_elements > 0 && !wrong) wrong = rank;
    if (all[r].guard_words > 0 && !overwrote) overwrote = rank;
    if (same_bits && all[r].digest != all[0].digest && !differs) differs = rank;
  }
  if (!wrong && !overwrote && !differs && !unchecked) return;

  Json explained = nullptr;
  if (mine.wrong_elements > 0) {
    explained = to_json(explain(report, {.shape = track.bench_case.shape,
                                         .seed = config_.seed,
                                         .kind = track.ring.view().kind,
                                         .buffers = track.shape.buffers}));
  }
  const auto blames = allgather_text(context_.comm, "blame", explained.dump());
  Failure failure{.layer = Layer::verify, .reason = Reason::wrong_data, .phase = Phase::verify};
  if (wrong) {
    track.blame = parse_json(blames[static_cast<std::size_t>(*wrong)], "blame");
    failure.rank = context_.comm.world_rank(*wrong);
    failure.detail = fmt::format("{} of {} elements wrong: {}", track.wrong_elements, checked,
                                 track.blame.value("summary", std::string("unexplained")));
  } else if (unchecked) {
    failure.reason = Reason::internal;
    failure.rank = context_.comm.world_rank(*unchecked);
    failure.detail = fmt::format("the check looked at {} of {} elements",
                                 all[static_cast<std::size_t>(*unchecked)].checked_elements, to_check);
  } else if (overwrote) {
    failure.reason = Reason::corrupted;
    failure.rank = context_.comm.world_rank(*overwrote);
    failure.detail = fmt::format("{} guard words around the outputs were overwritten",
                                 all[static_cast<std::size_t>(*overwrote)].guard_words);
  } else {
    failure.rank = context_.comm.world_rank(*differs);
    failure.peer = context_.comm.world_rank(0);
    failure.detail = "results are within their bounds but not bit-identical on all ranks";
  }
  track.failure = std::move(failure);
  // What was wrong may still sit in the Lamport slots; the next case must not inherit it.
  workspace.reset({.comm = context_.comm});
}

RowRecord CaseRunner::row_of(const Track& track, const BatchShape& shape) const {
  RowRecord row{.case_id = track.bench_case.id(),
                .allocator = track.contender.allocator,
                .group = track.bench_case.group,
                .attempt = context_.request.attempt,
                .status = track.failure ? "failed" : "ok"};
  if (track.failure) row.reason = track.failure->detail;
  row.failure = track.failure;
  const LaunchShape launch = backend_.kernels->launch_shape(track.bench_case.shape);
  row.launch =
      Json{{"blocks", launch.blocks}, {"threads", launch.threads}, {"cluster", launch.cluster}, {"pdl", launch.pdl},
           {"graph", true},           {"buffers", shape.buffers}};
  row.iterations_per_batch = shape.iterations;
  row.blocks = track.blocks;
  for (const double total_us : track.rank_total_us) {
    const double batches = static_cast<double>(track.batch_means().size());
    row.rank_mean_us.push_back(total_us / batches);
  }
  row.checked_iterations = track.checked_iterations;
  row.checked_every = config_.check == CheckMode::on ? shape.checked_every() : 0;
  row.wrong_elements = track.wrong_elements;
  row.max_error = track.max_error;
  row.blame = track.blame;
  if (track.skew) {
    row.skew_us = track.skew->skew_us;
    row.clock_error_us = track.skew->clock_error_us;
  }
  return row;
}

}  // namespace symmbench
