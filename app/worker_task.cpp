#include "app/worker_task.hpp"

#include <algorithm>
#include <cstdlib>

#include "app/backend.hpp"
#include "bench/group_task.hpp"
#include "bench/library_group.hpp"
#include "bench/lifecycle.hpp"
#include "config/resolve.hpp"
#include "plan/make_plan.hpp"

namespace symmbench {
namespace {

int number_in(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? 0 : std::atoi(text);
}
int local_rank() { return number_in(kLocalRankVariable); }

const CaseGroup& group_of(const Plan& plan, const std::string& id) {
  const auto it =
      std::find_if(plan.groups.begin(), plan.groups.end(), [&](const auto& group) { return group.id == id; });
  if (it == plan.groups.end()) {
    throw Error(
        {.layer = Layer::worker, .reason = Reason::internal, .detail = "no case group '" + id + "' in the plan"});
  }
  return *it;
}

}  // namespace

void run_worker_task(WorkerContext& context) {
  if (context.request.task == "preflight") {
    // Creating a context takes a second or so, and up to a minute where many GPUs start.
    context.heartbeat.allow(60);
    run_preflight(context, {.local_rank = local_rank(), .supervisor_pid = number_in(kSupervisorPidVariable)},
                  probe_devices(local_rank()));
    return;
  }
  const Json& settings = context.request.settings;
  const RunConfig config = config_from_text(settings.at("config").get<std::string>());
  const int own_group = group_index(context.comm);
  // The plan is a pure function, so every worker makes the same one and only case ids travel.
  const Plan plan = make_plan(config, settings.at("world_size").get<int>(), own_group);
  const CaseGroup& group = group_of(plan, context.request.label);
  // Kernels give up first; then the stream; then whoever waits for this rank.
  const Deadlines deadlines = deadlines_of(config);
  const auto synchronize_limit =
      std::chrono::nanoseconds(static_cast<std::int64_t>((deadlines.kernel_wait_s + deadlines.round_s) / 2 * 1e9));
  Backend backend = make_backend(settings.at("device").get<std::string>(), context.heartbeat,
                                 {.local_rank = local_rank(), .synchronize_limit = synchronize_limit});
  if (group.kind == GroupKind::lifecycle) {
    run_lifecycles(context, config, group, backend);
  } else if (group.kind == GroupKind::library) {
    run_library_group(context, config, group, backend);
  } else {
    run_case_group(context, config, group, backend);
  }
}

}  // namespace symmbench
