#include "job/measure.hpp"

#include "config/repro.hpp"
#include "job/bisect.hpp"
#include "job/case_group_task.hpp"
#include "job/device_decision.hpp"
#include "job/emulation.hpp"
#include "job/memory_problem.hpp"
#include "job/multicast_veto.hpp"
#include "job/run_deadlines.hpp"
#include "report/fold.hpp"

namespace symmbench {
namespace {

/// `decided` is the configuration with the device's tuning table; a repetition decides on that anew.
RunStarted run_started(const RunConfig& decided, const JobPlan& plan, const DeviceDecision& device,
                       const Invocation& invocation, const std::string& started_at) {
  RunStarted started;
  started.tool = invocation.tool;
  started.run = Json{{"command", invocation.command},
                     {"repro_command", invocation.repro_command},
                     {"launcher", json_or_null(invocation.launcher)},
                     {"config", repeatable(decided)},
                     {"seed", decided.seed},
                     {"started_at", started_at}};
  if (!decided.inject.empty()) started.run["injected"] = decided.inject;
  started.device = Json{{"asked", started.run.at("config").value("device", std::string("auto"))},
                        {"kind", device.kind},
                        {"emulated", device.emulated},
                        {"reason", device.reason},
                        {"fabric_profile", json_or_null(device.profile)}};
  started.world_size = plan.world_size();
  started.group_size = plan.group_size();
  started.planned_rows = plan.planned_rows();
  started.planned_lifecycles = plan.planned_lifecycles();
  started.strict = decided.strict;
  started.raw_samples = decided.raw_samples;
  started.skip_if_unsupported = decided.skip_if_unsupported;
  return started;
}

RunEnded run_ended(const RunOutcome& outcome, const std::optional<std::string>& problem,
                   const std::optional<std::string>& instead) {
  RunEnded ended{.ended_at = utc_timestamp(), .complete = !outcome.interrupted && !problem};
  if (outcome.interrupted) {
    ended.interrupted_by = outcome.interrupted_by;
  } else if (problem) {
    ended.interrupted_by = problem;
    ended.unsupported = true;
    ended.instead = instead;
  }
  return ended;
}

}  // namespace

Json report_of_disagreement(const JobPlan& plan, const RunConfig& config, const Invocation& invocation,
                            std::span<const RankIntent> ranks, const std::string& why) {
  const auto now = utc_timestamp();
  RunStarted started = run_started(config, plan, {.kind = "", .reason = ""}, invocation, now);
  started.device = Json{{"asked", started.device.at("asked")}};
  std::vector<Json> records{to_json(started)};
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    records.push_back(to_json(RankFacts{.rank = static_cast<int>(rank), .facts = Json{{"host", ranks[rank].host}}}));
  }
  records.push_back(to_json(RunEnded{.ended_at = now, .complete = false, .interrupted_by = why}));
  return fold_report(records);
}

MeasuredRun measure(MpiJob& job, JobPlan& plan, const RunConfig& config, const Invocation& invocation,
                    const RunGate* gate) {
  const std::string started_at = utc_timestamp();
  const auto emulation = emulation_of(config, plan.world_size());
  RunOutcome outcome = job.run(std::vector{WorkRequest{.task = kPreflightTask,
                                                       .label = kPreflightTask,
                                                       .settings = emulation ? to_json(*emulation) : Json(nullptr),
                                                       .deadlines = job.deadlines()}});
  const auto facts = latest_facts(job.records_of("rank"));
  const DeviceDecision device = decide_device(config, facts, plan.world_size());
  RunConfig decided = config_for(config, device);
  decided.emulation = emulation;
  const auto hosts = hosts_of_run(facts);
  decided.deadline_scale *= widening_of(hosts);
  plan.follow_device(decided.tuning.name, multicast_missing(facts, device.kind));
  if (auto concern = tuning_concern(decided, device)) {
    job.append(to_json(EventRecord{.what = "foreign_tuning", .detail = std::move(*concern), .data = nullptr}));
  }
  RunStarted started = run_started(decided, plan, device, invocation, started_at);
  started.run["deadlines"] = deadlines_json(config, hosts);
  job.append(to_json(started));

  std::optional<std::string> problem = device.problem;
  if (!problem) problem = memory_problem(plan.plan(), device, facts);
  // A machine that may not be held against the baseline can run all the same: nothing that is unsupported here.
  const bool forbidden = problem.has_value();
  if (!problem && gate != nullptr) problem = gate->objection(fold_report(job.records()));
  if (!outcome.interrupted && !problem) {
    outcome = job.run([&](int group) { return plan.work(group, decided, device.kind); });
    if (!outcome.interrupted && config.bisect) outcome = bisect_failures(job, plan, decided, device.kind);
  }
  const auto instead = device.no_gpu ? std::optional(invocation.emulated_command) : std::nullopt;
  RunEnded ended = run_ended(outcome, problem, instead);
  ended.unsupported = ended.unsupported && forbidden;
  job.append(to_json(ended));
  return {.report = fold_report(job.records(), gate), .family = device.family};
}

}  // namespace symmbench
