#include "app/worker_task.hpp"

#include <algorithm>

#include "app/backend.hpp"
#include "bench/any_group.hpp"
#include "bench/preflight.hpp"
#include "fault/fault_plan.hpp"
#include "job/case_group_task.hpp"

namespace symmbench {
namespace {

void preflight(WorkerContext& context) {
  context.heartbeat.allow(deadline::kContext_s);
  const RankPlace place = place_told_by_supervisor();
  run_preflight(context, place, probe_devices(place.local_rank));
}

/// What the plan provoked at this rank, by place in the plan. Only calls of the driver are counted: other
/// faults are at work in every launch.
void tell_struck(WorkerContext& context, const FaultPlan& plan, int world_rank) {
  for (std::size_t i = 0; i < plan.faults.size(); ++i) {
    const FaultSpec& spec = plan.faults[i];
    const bool uncounted = spec.fault->seam != FaultSeam::driver && spec.fault->seam != FaultSeam::lost_call;
    if (spec.rank != world_rank || (!uncounted && *spec.struck == 0)) continue;
    const Json times = uncounted ? Json(nullptr) : Json(*spec.struck);
    context.records.append(
        to_json(EventRecord{.what = "fault_struck",
                            .detail = spec.text(),
                            .data = {{"index", i}, {"struck", times}, {"attempt", context.request.attempt}}}));
  }
}

void case_group(WorkerContext& context) {
  context.heartbeat.allow(deadline::kContext_s);
  const auto [config, device, group] = case_group_task_from(context.request.settings);
  // Kernels give up first; then the stream; then whoever waits for this rank.
  const Deadlines deadlines = deadlines_of(config);
  const auto synchronize_limit = std::chrono::nanoseconds(static_cast<std::int64_t>(deadlines.stream_s * 1e9));
  const FaultPlan faults = parse_fault_plan(config.inject);
  const int world_rank = context.comm.world_rank(context.comm.rank());
  Backend backend = make_backend(device, context.heartbeat,
                                 {.local_rank = place_told_by_supervisor().local_rank,
                                  .synchronize_limit = synchronize_limit,
                                  .driver_faults = faults.driver_faults(world_rank),
                                  .protocol_fault = faults.protocol_fault(world_rank)});
  backend.slowed_by = [&faults](std::string_view allocator, int placement) {
    return faults.slowed_by(allocator, placement);
  };
  try {
    run_any_group(context, config, group, backend);
  } catch (...) {
    tell_struck(context, faults, world_rank);
    throw;
  }
  tell_struck(context, faults, world_rank);
}

struct TaskRow {
  std::string_view name;  ///< WorkRequest::task
  void (*run)(WorkerContext& context);
};
constexpr TaskRow kTasks[] = {{kPreflightTask, preflight}, {kCaseGroupTask, case_group}};

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
