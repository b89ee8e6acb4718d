#include <dirent.h>

#include <algorithm>
#include <fstream>

#include "bench/case_runner.hpp"
#include "bench/group_task.hpp"
#include "bench/workspace_bench.hpp"

namespace symmbench {
namespace {

/// What a workspace could leave behind in this process.
struct Resources {
  std::int64_t descriptors = 0, mappings = 0, device_bytes = 0;
};

std::int64_t open_descriptors() {
  std::int64_t count = 0;
  if (DIR* dir = ::opendir("/proc/self/fd")) {
    while (::readdir(dir) != nullptr) ++count;
    ::closedir(dir);
  }
  return count;
}

std::int64_t shared_mappings() {
  std::int64_t count = 0;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) count += line.find("memfd:") != std::string::npos ? 1 : 0;
  return count;
}

Resources resources_now(const Backend& backend) {
  return {.descriptors = open_descriptors(),
          .mappings = shared_mappings(),
          // Free host memory changes with every process of the machine; only a GPU's says anything about a leak.
          .device_bytes = backend.emulated ? 0 : -static_cast<std::int64_t>(backend.driver->memory_info().free_bytes)};
}

/// The smallest case that proves the workspace usable: one row of 1 KiB, plain, in the first algorithm that fits.
Case smoke_case(const CaseGroup& group, int world_rank_of_leader) {
  Case smoke{.workspace = group.workspace,
             .transport = group.transport,
             .handle_asked = group.handle_asked,
             .group = world_rank_of_leader / group.layout.world_size,
             .group_size = group.layout.world_size,
             .algorithm_asked = "one_shot"};
  smoke.shape = {.algorithm = Algorithm::one_shot,
                 .pattern = Pattern::allreduce,
                 .dtype = DType::bf16,
                 .world_size = group.layout.world_size,
                 .tokens = 1,
                 .hidden = std::min<std::uint64_t>(1024, group.layout.message_bytes) / 2};
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

Json leaked(Communicator& comm, const Backend& backend, const Resources& before) {
  const Resources after = resources_now(backend);
  const Resources grown{after.descriptors - before.descriptors, after.mappings - before.mappings,
                        after.device_bytes - before.device_bytes};
  Resources worst = grown;
  for (const auto& rank : allgather_value(comm, "lifecycle leaks", grown)) {
    worst.descriptors = std::max(worst.descriptors, rank.descriptors);
    worst.mappings = std::max(worst.mappings, rank.mappings);
    worst.device_bytes = std::max(worst.device_bytes, rank.device_bytes);
  }
  return Json{{"fds", worst.descriptors},
              {"mappings", worst.mappings},
              {"device_bytes", backend.emulated ? Json(nullptr) : Json(worst.device_bytes)}};
}

}  // namespace

void run_lifecycles(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, Backend& backend) {
  const auto stream = backend.driver->make_stream();
  const int leader = context.comm.world_rank(0);
  const Case smoke = smoke_case(group, leader);
  WorkerConfig checked = config;  // a lifecycle without a proof that the workspace worked would prove nothing
  checked.check = CheckMode::on;
  CaseRunner runner(context, checked, backend, *stream);
  PhaseClock clock(context.heartbeat, deadlines_of(config).round_s);

  const auto& items = context.request.items;
  std::size_t item = 0;
  for (std::uint64_t i = 0; i < group.lifecycles && item < items.size(); ++i) {
    if (items[item].case_id != group.lifecycle_id(i)) continue;  // an earlier worker's
    context.heartbeat.item(static_cast<int>(item));
    clock.clear();
    const Resources before = resources_now(backend);
    LifecycleRecord record{.group = leader / context.comm.size(),
                           .workspace = group.workspace,
                           .transport = group.transport,
                           .allocator = group.allocators.front(),
                           .iteration = i,
                           .attempt = context.request.attempt};
    WorkspaceBench bench(context, config, group, group.allocators.front(), backend, *stream);
    try {
      bench.bring_up(clock);
      record.handle = bench.handle();
      if (!bench.workspace()) return;  // the rows of this allocator say why
      const auto start = Clock::now();
      clock.entered(Phase::use);
      const auto rows = runner.run(smoke, {{bench.allocator(), bench.workspace()}});
      record.failure = rows.front().failure;
      clock.left(Phase::use, microseconds_since(start), record.failure);
      bench.close(clock);
    } catch (const PhaseFailed& failed) {
      if (failed.failure().layer == Layer::comm || failed.failure().reason == Reason::timed_out) throw;
      if (failed.failure().layer == Layer::environment) return;  // no fault of the allocator; the rows say why
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
