#include "app/worker_task.hpp"

#include <algorithm>

#include "app/backend.hpp"
#include "bench/any_group.hpp"
#include "bench/emulated_rank.hpp"
#include "bench/preflight.hpp"
#include "bench/probe_task.hpp"
#include "fault/struck_worker.hpp"
#include "job/case_group_task.hpp"

namespace symmbench {
namespace {

void preflight(WorkerContext& context) {
  context.heartbeat.allow(deadline::kContext_s);
  const RankPlace place = place_told_by_supervisor();
  const Json& settings = context.request.settings;
  const auto emulation = settings.is_null() ? std::nullopt : std::optional(emulation_from(settings));
  const int world_rank = context.comm.world_rank(context.comm.rank());
  run_preflight(context, place, probe_devices(place.local_rank, emulated_rank(emulation, world_rank)));
}

void case_group(WorkerContext& context) {
  context.heartbeat.allow(deadline::kContext_s);
  const auto [config, device, group] = case_group_task_from(context.request.settings);
  // Kernels give up first; then the stream; then whoever waits for this rank.
  const Deadlines deadlines = deadlines_of(config);
  const auto synchronize_limit = std::chrono::nanoseconds(static_cast<std::int64_t>(deadlines.stream_s * 1e9));
  const FaultPlan faults = parse_fault_plan(config.inject);
  StruckWorker struck(context, faults);
  const int world_rank = context.comm.world_rank(context.comm.rank());
  Backend backend = make_backend(device, context.heartbeat,
                                 {.local_rank = place_told_by_supervisor().local_rank,
                                  .synchronize_limit = synchronize_limit,
                                  .driver_faults = struck.driver_faults(),
                                  .protocol_fault = faults.protocol_fault(world_rank),
                                  .host_device = emulated_rank(config.emulation, world_rank)});
  backend.kernels = struck.around(std::move(backend.kernels));
  backend.make_allocator = [&struck](std::string_view name) { return struck.around(make_allocator(name)); };
  backend.slowed_by = [&faults](std::string_view allocator, int placement) {
    return faults.slowed_by(allocator, placement);
  };
  try {
    run_any_group(struck.context(), config, group, backend);
  } catch (...) {
    struck.tell();
    throw;
  }
  struck.tell();
}

/// More than the allocators of one probe make; an endless list helps nobody.
constexpr std::size_t kMostTracedCalls = 20'000;

void probe(WorkerContext& context) {
  context.heartbeat.allow(deadline::kContext_s);
  const ProbeTask task = probe_task_from(context.request.settings);
  const int world_rank = context.comm.world_rank(context.comm.rank());
  const auto synchronize_limit =
      std::chrono::nanoseconds(static_cast<std::int64_t>(deadlines_of(task.config).stream_s * 1e9));
  Backend backend = make_backend(task.device, context.heartbeat,
                                 {.local_rank = place_told_by_supervisor().local_rank,
                                  .synchronize_limit = synchronize_limit,
                                  .traced_calls = task.trace ? kMostTracedCalls : 0,
                                  .host_device = emulated_rank(task.config.emulation, world_rank)});
  run_probe(context, backend, backend.trace);
}

struct TaskRow {
  std::string_view name;  ///< WorkRequest::task
  void (*run)(WorkerContext& context);
};
constexpr TaskRow kTasks[] = {{kPreflightTask, preflight}, {kCaseGroupTask, case_group}, {kProbeTask, probe}};

}  // namespace

void run_worker_task(WorkerContext& context) {
  const auto* task = std::find_if(std::begin(kTasks), std::end(kTasks),
                                  [&](const TaskRow& row) { return row.name == context.request.task; });
  if (task == std::end(kTasks)) {
    throw Error{{.layer = Layer::worker,
                 .reason = Reason::internal,
                 .detail = "a worker has no task '" + context.request.task + "'"}};
  }
  task->run(context);
}

}  // namespace symmbench
