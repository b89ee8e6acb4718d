#include "bench/lifecycle.hpp"

#include <algorithm>
#include <array>

#include "bench/allocator_setup.hpp"
#include "bench/case_runner.hpp"
#include "bench/open_descriptors.hpp"
#include "workspace/workspaces.hpp"

namespace symmbench {
namespace {

/// What a workspace could leave behind in this process: what the driver gave it, and descriptors.
struct Resources {
  std::int64_t descriptors = 0;
  Holdings held;
};

Resources resources_now(const Backend& backend) {
  return {.descriptors = open_descriptors(), .held = backend.account->holdings()};
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
    {"fds", [](const Resources& r) { return r.descriptors; }},
    {"mappings", [](const Resources& r) { return r.held.mappings; }},
    {"handles", [](const Resources& r) { return r.held.handles; }},
    {"va_bytes", [](const Resources& r) { return r.held.va_bytes; }},
    {"device_bytes", [](const Resources& r) { return r.held.device_bytes; }},
};

Json leaked(Communicator& comm, const Backend& backend, const Resources& before) {
  const Resources after = resources_now(backend);
  std::array<std::int64_t, std::size(kLeakRows)> grown{};
  for (std::size_t i = 0; i < grown.size(); ++i) grown[i] = kLeakRows[i].of(after) - kLeakRows[i].of(before);
  const auto all = allgather_value(comm, "lifecycle leaks", grown);
  Json leaks = Json::object();
  for (std::size_t i = 0; i < grown.size(); ++i) {
    std::int64_t worst = grown[i];
    for (const auto& rank : all) worst = std::max(worst, rank[i]);
    leaks[kLeakRows[i].key] = worst;
  }
  return leaks;
}

}  // namespace

void run_lifecycles(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, Backend& backend) {
  const auto stream = backend.driver->make_stream();
  const Case smoke = smoke_case(group, group_index(context.comm));
  WorkerConfig checked = config;  // a lifecycle without a proof that the workspace worked would prove nothing
  checked.check = CheckMode::on;
  CaseRunner runner(context, checked, backend, *stream);
  PhaseClock clock(context.heartbeat, deadlines_of(config).round_s);

  const auto& items = context.request.items;
  std::size_t item = 0;
  context.heartbeat.allocator(group.allocators.front());
  for (std::uint64_t i = 0; i < group.lifecycles && item < items.size(); ++i) {
    if (items[item].case_id != group.lifecycle_id(i)) continue;  // an earlier worker's
    context.heartbeat.item(static_cast<int>(item));
    clock.clear();
    const Resources before = resources_now(backend);
    LifecycleRecord record{.group = group_index(context.comm),
                           .workspace = std::string(name_of(group.workspace)),
                           .transport = std::string(name_of(group.transport)),
                           .allocator = group.allocators.front(),
                           .iteration = i,
                           .attempt = context.request.attempt};
    AllocatorSetup setup(context, config, group, group.allocators.front(), backend, *stream);
    try {
      setup.bring_up(clock);
      record.handle = setup.handle();
      if (i == 0) setup.tell_trials();
      if (!setup.ready().workspace) return;  // the rows of this allocator say why
      const auto start = Clock::now();
      clock.entered(Phase::use);
      const auto rows = runner.run(smoke, {setup.ready()});
      record.failure = rows.front().failure;
      clock.left(Phase::use, microseconds_since(start), record.failure);
      setup.close(clock);
    } catch (const PhaseFailed& failed) {
      record.handle = setup.handle();
      if (ranks_lost_each_other(failed.failure())) throw;
      record.failure = failed.failure();
    }
    record.phase_us = slowest_spans(context.comm, clock);
    record.leaks = leaked(context.comm, backend, before);
    if (context.comm.rank() == 0) {
      context.records.append(to_json(record));
      context.item_done(static_cast<int>(item));
    }
    if (record.failure) return;  // what a failed bring-up left behind would be blamed on the next
    ++item;
  }
}

}  // namespace symmbench
