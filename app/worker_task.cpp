#include "app/worker_task.hpp"

#include <algorithm>

#include "app/backend.hpp"
#include "bench/any_group.hpp"
#include "bench/bisect_task.hpp"
#include "bench/emulated_rank.hpp"
#include "bench/preflight.hpp"
#include "bench/probe_task.hpp"
#include "fault/struck_worker.hpp"
#include "job/case_group_task.hpp"
#include "memory/torch_symm_mem.hpp"

namespace symmbench {
namespace {

void preflight(WorkerContext& context) {
  context.heartbeat.allow(context_s(context.request));
  const RankPlace place = place_told_by_supervisor();
  const Json& settings = context.request.settings;
  const auto emulation = settings.is_null() ? std::nullopt : std::optional(emulation_from(settings));
  const int world_rank = context.comm.world_rank(context.comm.rank());
  run_preflight(context, place, probe_devices(place.local_rank, emulated_rank(emulation, world_rank)));
}

/// A worker of a run with everything that the run provokes around it.
class RunWorker {
 public:
  RunWorker(WorkerContext& context, const WorkerConfig& config, const std::string& device, std::size_t traced_calls = 0)
      : context_(context), faults_(parse_fault_plan(config.inject)), struck_(context, faults_) {
    use_torch_layout(config.torch_layout);
    // Kernels give up first; then the stream; then whoever waits for this rank.
    const double stream_s = deadlines_of(config).stream_s;
    const int world_rank = context.comm.world_rank(context.comm.rank());
    backend_ = make_backend(device, context.heartbeat,
                            {.local_rank = place_told_by_supervisor().local_rank,
                             .synchronize_limit = std::chrono::nanoseconds(static_cast<std::int64_t>(stream_s * 1e9)),
                             .driver_faults = struck_.driver_faults(),
                             .protocol_fault = faults_.protocol_fault(world_rank),
                             .traced_calls = traced_calls,
                             .host_device = emulated_rank(config.emulation, world_rank)});
    backend_.kernels = struck_.around(std::move(backend_.kernels));
    backend_.make_allocator = [this](std::string_view name, MulticastUse multicast) {
      return struck_.around(make_allocator(name, multicast));
    };
    backend_.slows_batches = faults_.slows_batches();
    backend_.slowed_by = [this, world_rank](std::string_view allocator, int placement) {
      return faults_.slowed_by(allocator, placement, world_rank);
    };
    backend_.link_slowed_by = [this, world_rank](int peer) { return faults_.link_slowed_by(world_rank, peer); };
  }
  RunWorker(const RunWorker&) = delete;
  RunWorker& operator=(const RunWorker&) = delete;

  /// Does `work(context, backend)`, and says what was provoked however it ends.
  template <class Work>
  void run(const Work& work) {
    try {
      work(struck_.context(), backend_);
    } catch (...) {
      struck_.tell();
      throw;
    }
    struck_.tell();
    context_.stopped_by = struck_.context().stopped_by;
  }

 private:
  WorkerContext& context_;
  const FaultPlan faults_;
  StruckWorker struck_;
  Backend backend_;
};

void case_group(WorkerContext& context) {
  context.heartbeat.allow(context_s(context.request));
  const auto [config, device, group] = case_group_task_from(context.request.settings);
  RunWorker(context, config, device).run([&](WorkerContext& struck, Backend& backend) {
    run_any_group(struck, config, group, backend);
  });
}

void bisect(WorkerContext& context) {
  context.heartbeat.allow(context_s(context.request));
  const auto [tried, time_s] = bisect_task_from(context.request.settings);
  const auto& [config, device, group] = tried;
  RunWorker(context, config, device).run([&](WorkerContext& struck, Backend& backend) {
    run_bisect(struck, config, group, time_s, backend);
  });
}

/// More than the allocators of one probe make; an endless list helps nobody.
constexpr std::size_t kMostTracedCalls = 20'000;

void probe(WorkerContext& context) {
  context.heartbeat.allow(context_s(context.request));
  const ProbeTask task = probe_task_from(context.request.settings);
  RunWorker(context, task.config, task.device, task.trace ? kMostTracedCalls : 0)
      .run([](WorkerContext& struck, Backend& backend) { run_probe(struck, backend, backend.trace); });
}

struct TaskRow {
  std::string_view name;  ///< WorkRequest::task
  void (*run)(WorkerContext& context);
};
constexpr TaskRow kTasks[] = {
    {kPreflightTask, preflight}, {kCaseGroupTask, case_group}, {kProbeTask, probe}, {kBisectTask, bisect}};

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
