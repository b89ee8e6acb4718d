#include "app/worker_task.hpp"

#include <algorithm>

#include "app/backend.hpp"
#include "bench/group_task.hpp"
#include "config/resolve.hpp"

namespace symmbench {
namespace {

const CaseGroup& group_of(const Plan& plan, const std::string& id) {
  const auto it = std::find_if(plan.groups.begin(), plan.groups.end(), [&](const auto& group) { return group.id == id; });
  if (it == plan.groups.end()) {
    throw Error({.layer = Layer::worker, .reason = Reason::internal, .detail = "no case group '" + id + "' in the plan"});
  }
  return *it;
}

}  // namespace

void run_worker_task(WorkerContext& context) {
  if (context.request.task == "preflight") {
    run_preflight(context, probe_devices());
    return;
  }
  const Json& settings = context.request.settings;
  const RunConfig config = config_from_text(settings.at("config").get<std::string>());
  const int group_index = context.comm.world_rank(0) / context.comm.size();
  // The plan is a pure function, so every worker makes the same one and only case ids travel.
  const Plan plan = make_plan(config, settings.at("world_size").get<int>(), group_index);
  const CaseGroup& group = group_of(plan, context.request.label);
  Backend backend = make_backend(settings.at("device").get<std::string>(), context.heartbeat);
  if (group.kind == GroupKind::lifecycle) {
    run_lifecycles(context, config, group, backend);
  } else {
    run_case_group(context, config, group, backend);
  }
}

}  // namespace symmbench
