#include "job/probe_job.hpp"

#include "bench/probe_task.hpp"
#include "config/repro.hpp"
#include "job/case_group_task.hpp"
#include "job/device_decision.hpp"
#include "job/emulation.hpp"
#include "job/run_deadlines.hpp"
#include "report/fold.hpp"

namespace symmbench {
namespace {

RunStarted started_of(const RunConfig& config, const DeviceDecision& device, const Invocation& invocation,
                      int world_size, const std::string& started_at) {
  return {.tool = invocation.tool,
          .run = {{"command", invocation.command},
                  {"repro_command", invocation.repro_command},
                  {"launcher", json_or_null(invocation.launcher)},
                  {"config", repeatable(config)},
                  {"seed", config.seed},
                  {"started_at", started_at}},
          .device = {{"asked", parse_json(config.config_text, "configuration").value("device", std::string("auto"))},
                     {"kind", device.kind},
                     {"emulated", device.emulated},
                     {"reason", device.reason},
                     {"fabric_profile", json_or_null(device.profile)}},
          .world_size = world_size,
          .group_size = config.ranks_per_group(world_size),
          .strict = config.strict,
          .skip_if_unsupported = config.skip_if_unsupported};
}

}  // namespace

Json probe(MpiJob& job, const RunConfig& config, const Invocation& invocation, bool trace) {
  const std::string started_at = utc_timestamp();
  const int world_size = job.world_size();
  RunConfig decided = config;
  decided.emulation = emulation_of(config, world_size);
  RunOutcome outcome =
      job.run(std::vector{WorkRequest{.task = kPreflightTask,
                                      .label = kPreflightTask,
                                      .settings = decided.emulation ? to_json(*decided.emulation) : Json(nullptr),
                                      .deadlines = job.deadlines()}});
  const auto facts = latest_facts(job.records_of("rank"));
  const DeviceDecision device = decide_device(config, facts, world_size);
  const auto hosts = hosts_of_run(facts);
  decided.deadline_scale *= widening_of(hosts);
  RunStarted started = started_of(decided, device, invocation, world_size, started_at);
  if (!decided.inject.empty()) started.run["injected"] = decided.inject;
  started.run["deadlines"] = deadlines_json(config, hosts);
  job.append(to_json(started));
  if (!outcome.interrupted && !device.problem) {
    outcome = job.run(std::vector{WorkRequest{.task = kProbeTask,
                                              .label = kProbeTask,
                                              .settings = to_json(ProbeTask{decided, device.kind, trace}),
                                              .items = probe_items(config.ranks_per_group(world_size)),
                                              .deadlines = deadlines_of(decided)}});
  }
  RunEnded ended{.ended_at = utc_timestamp(), .complete = !outcome.interrupted && !device.problem};
  if (outcome.interrupted) ended.interrupted_by = outcome.interrupted_by;
  if (!outcome.interrupted && device.problem) {
    ended.interrupted_by = device.problem;
    ended.unsupported = true;
    if (device.no_gpu) ended.instead = invocation.emulated_command;
  }
  job.append(to_json(ended));
  return fold_report(job.records());
}

}  // namespace symmbench
