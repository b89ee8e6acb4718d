#include "bench/lifecycle.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <tuple>
#include <utility>

#include "bench/allocator_setup.hpp"
#include "bench/case_runner.hpp"
#include "bench/memory_pressure.hpp"
#include "bench/process_holdings.hpp"
#include "stats/statistics.hpp"
#include "workspace/workspaces.hpp"

namespace symmbench {
namespace {

/// What a workspace could leave behind in this process.
struct Resources {
  ProcessHoldings process;
  Holdings held;  ///< of the driver
};

Resources resources_now(const Backend& backend) {
  return {.process = process_holdings(), .held = backend.account->holdings()};
}

/// The smallest case that proves the workspace usable: one row of 1 KiB, plain, in the first algorithm that fits.
Case smoke_case(const CaseGroup& group, int group_of_ranks) {
  Case smoke{.handle_asked = group.handle_asked, .group = group_of_ranks, .group_size = group.capacity.world_size()};
  smoke.shape = {.workspace = group.workspace,
                 .transport = group.transport,
                 .pattern = Pattern::allreduce,
                 .dtype = DType::bf16,
                 .world_size = group.capacity.world_size(),
                 .tokens = 1,
                 .hidden = std::min<std::uint64_t>(1024, group.capacity.message_bytes()) / 2};
  for (const auto& algorithm : kAlgorithms) {
    if (algorithm.reference) continue;
    smoke.shape.algorithm = algorithm.value;
    if (!capacity_problem(group.capacity, smoke.shape)) break;
  }
  smoke.algorithm_asked = name_of(smoke.shape.algorithm);
  smoke.asked_bytes = smoke.shape.message_bytes();
  smoke.iters = 4;
  return smoke;
}

/// Phase times of all ranks, by phase, as their maxima.
std::vector<std::pair<std::string, double>> slowest_spans(Communicator& comm, const PhaseClock& clock) {
  std::array<double, std::size(kAllPhases)> mine;
  mine.fill(-1);
  for (const auto& [phase, span_us] : clock.spans_us()) mine[static_cast<std::size_t>(phase)] = span_us;
  const auto all = allgather_value(comm, "lifecycle times", mine);
  std::vector<std::pair<std::string, double>> spans;
  for (const Phase phase : kAllPhases) {
    double slowest_us = -1;
    for (const auto& rank : all) slowest_us = std::max(slowest_us, rank[static_cast<std::size_t>(phase)]);
    if (slowest_us >= 0) spans.emplace_back(name_of(phase), slowest_us);
  }
  return spans;
}

/// A resource's key in LifecycleRecord::leaks, and how much of it there is.
struct LeakRow {
  const char* key;
  std::int64_t (*of)(const Resources& resources);
};
constexpr LeakRow kLeakRows[] = {
    {"fds", [](const Resources& r) { return r.process.descriptors; }},
    {"mappings", [](const Resources& r) { return r.held.mappings; }},
    {"handles", [](const Resources& r) { return r.held.handles; }},
    {"va_bytes", [](const Resources& r) { return r.held.va_bytes; }},
    {"va_ranges", [](const Resources& r) { return r.held.va_ranges; }},
    {"device_bytes", [](const Resources& r) { return r.held.device_bytes; }},
    {"threads", [](const Resources& r) { return r.process.threads; }},
    {"processes", [](const Resources& r) { return r.process.processes; }},
    {"shm", [](const Resources& r) { return r.process.shm; }},
};
constexpr std::size_t kLeakKinds = std::size(kLeakRows);

/// What all ranks learn of each other after a round.
struct RoundEnd {
  std::array<std::int64_t, kLeakKinds> grown{};
  bool over = false;  ///< of the leader, whose clock decides
};

/// Collective: every rank gets LifecycleRecord::leaks, and the leader's word on whether there is another round.
std::pair<Json, bool> end_of_round(Communicator& comm, const Backend& backend, const Resources& before, bool over) {
  const Resources after = resources_now(backend);
  RoundEnd mine{.over = over};
  for (std::size_t i = 0; i < kLeakKinds; ++i) mine.grown[i] = kLeakRows[i].of(after) - kLeakRows[i].of(before);
  const auto all = allgather_value(comm, "lifecycle leaks", mine);
  Json leaks = Json::object();
  for (std::size_t i = 0; i < kLeakKinds; ++i) {
    std::int64_t worst = mine.grown[i];
    for (const auto& rank : all) worst = std::max(worst, rank.grown[i]);
    leaks[kLeakRows[i].key] = worst;
  }
  return {std::move(leaks), all.front().over};
}

/// Runs each step whatever the others did, as long as the ranks are together, and keeps the first failure.
class Together {
 public:
  void operator()(const std::function<void()>& step) {
    try {
      step();
    } catch (const PhaseFailed& failed) {
      if (ranks_lost_each_other(failed.failure())) throw;
      if (!first_) first_ = failed;
    }
  }
  bool failed() const { return first_.has_value(); }
  void rethrow() const {
    if (first_) throw PhaseFailed(*first_);
  }

 private:
  std::optional<PhaseFailed> first_;
};

/// Of device memory, for what a round takes beside its workspaces: the bench's segment, control blocks, inputs.
constexpr std::uint64_t kBesideWorkspaces = std::uint64_t{64} << 20;

/// What must come of a workspace that does not fit, before anything is used.
bool is_refusal(const Failure& failure) {
  return failure.phase == Phase::create &&
         (failure.reason == Reason::out_of_memory || failure.reason == Reason::capacity_exceeded);
}

class LifecycleRun {
 public:
  LifecycleRun(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, Backend& backend)
      : context_(context),
        config_(checked(config)),
        group_(group),
        backend_(backend),
        stream_(backend.driver->make_stream()),
        smoke_(smoke_case(group, group_index(context.comm))),
        runner_(context, config_, backend, *stream_),
        clock_(context.heartbeat, deadlines_of(config).round_s),
        rounds_(context.request.rounds.value_or(Rounds{.wanted = group.lifecycles, .wanted_s = group.soak_s})) {}

  void run() {
    context_.heartbeat.allocator(group_.allocators.front());
    for (std::uint64_t round = 0; !rounds_.over() && one_round(round);) ++round;
  }

 private:
  /// A lifecycle without a proof that the workspace worked would prove nothing.
  static WorkerConfig checked(WorkerConfig config) {
    config.check = CheckMode::on;
    return config;
  }

  double passed_s() const { return microseconds_since(begun_) * 1e-6; }

  /// False: there is none after it, or no workspace to be had.
  bool one_round(std::uint64_t round) {
    context_.heartbeat.item(static_cast<int>(round));
    clock_.clear();
    const Resources before = resources_now(backend_);
    LifecycleRecord record{.group = group_index(context_.comm),
                           .workspace = std::string(name_of(group_.workspace)),
                           .transport = std::string(name_of(group_.transport)),
                           .allocator = group_.allocators.front(),
                           .iteration = rounds_.done + round,
                           .attempt = context_.request.attempt,
                           .started_at = utc_timestamp()};
    AllocatorSetup setup(context_, config_, group_, group_.allocators.front(), backend_, *stream_);
    std::optional<MemoryPressure> pressure;
    try {
      setup.choose_handle();
      if (group_.pressure && setup.handle().at("used").is_string()) press(setup, round % 2 == 0, pressure);
      setup.bring_up(clock_);
      record.handle = setup.handle();
      if (record.iteration == 0) setup.tell_trials();
      if (!setup.ready().workspace) return false;  // the rows of this allocator say why
      build_use_and_close(setup, record);
    } catch (const PhaseFailed& failed) {
      record.handle = setup.handle();
      if (ranks_lost_each_other(failed.failure())) throw;
      if (group_.pressure && is_refusal(failed.failure())) {
        record.refused = 1;
        clock_.clear();
      } else {
        record.failure = failed.failure();
      }
    }
    if (pressure) pressure->release();
    record.retries = setup.retries();
    for (auto& [phase, span_us] : slowest_spans(context_.comm, clock_)) record.phase_us.emplace_back(phase, span_us);
    bool over = rounds_.over_after(round + 1, passed_s());
    std::tie(record.leaks, over) = end_of_round(context_.comm, backend_, before, over);
    record.ended_at = utc_timestamp();
    record.passed_s = rounds_.passed_s + passed_s();
    if (context_.comm.rank() == 0) {
      context_.records.append(to_json(record));
      if (!record.failure) context_.item_done(static_cast<int>(round));
    }
    context_.stopped_by = record.failure;
    return !record.failure && !over && !group_.fresh;
  }

  /// Collective. Takes memory until what a round needs just fits into the rest, or just does not.
  void press(const AllocatorSetup& setup, bool fits, std::optional<MemoryPressure>& pressure) {
    collective_phase({.comm = context_.comm}, Phase::create, [&] {
      const std::uint64_t needed = setup.workspace_bytes() * group_.concurrent;
      pressure.emplace(*backend_.driver, fits ? needed + kBesideWorkspaces : needed / 2);
    });
  }

  /// Collective. Beside the workspace that stands as many as are to be alive at once; then all are used and closed.
  /// @throws the first PhaseFailed, when all that stood was closed
  void build_use_and_close(AllocatorSetup& setup, LifecycleRecord& record) {
    std::vector<std::unique_ptr<Workspace>> others;
    Together together;
    together([&] {
      while (others.size() + 1 < group_.concurrent) others.push_back(setup.another_workspace(clock_));
    });
    std::vector<double> operations_us;
    for (std::size_t i = 0; i <= others.size() && !together.failed() && !record.failure; ++i) {
      AllocatorWorkspace ready = setup.ready();
      if (i > 0) ready.workspace = others[i - 1].get();
      together([&] {
        record.failure = use(ready, operations_us);
        if (record.failure || !group_.reattach || !setup.reattaches()) return;
        setup.reattach(*ready.workspace, clock_);
        ++record.reattached;
        record.failure = use(ready, operations_us);
      });
    }
    if (!operations_us.empty()) record.operation_us = Spread(median(std::move(operations_us)));
    std::vector<std::function<void()>> closes{[&] { setup.close(clock_); }};
    for (const auto& other : others) {
      closes.emplace_back([&] { other->close({.comm = context_.comm, .observer = &clock_}); });
    }
    if (record.iteration % 2 == 1) std::reverse(closes.begin(), closes.end());
    for (const auto& close : closes) together(close);
    together.rethrow();
  }

  /// Adds what its timed batches took for an operation.
  std::optional<Failure> use(const AllocatorWorkspace& ready, std::vector<double>& operations_us) {
    const auto start = Clock::now();
    clock_.entered(Phase::use);
    const auto rows = runner_.run(smoke_, {ready});
    for (const auto& block : rows.front().blocks) {
      operations_us.insert(operations_us.end(), block.batch_us.begin(), block.batch_us.end());
    }
    clock_.left(Phase::use, microseconds_since(start), rows.front().failure);
    return rows.front().failure;
  }

  WorkerContext& context_;
  const WorkerConfig config_;
  const CaseGroup& group_;
  Backend& backend_;
  std::unique_ptr<Stream> stream_;
  const Case smoke_;
  CaseRunner runner_;
  PhaseClock clock_;
  const Rounds rounds_;
  const Clock::time_point begun_ = Clock::now();
};

}  // namespace

void run_lifecycles(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, Backend& backend) {
  LifecycleRun(context, config, group, backend).run();
}

}  // namespace symmbench
