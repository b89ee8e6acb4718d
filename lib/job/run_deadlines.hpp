#pragma once
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "core/json.hpp"
#include "plan/make_plan.hpp"

namespace symmbench {

/// The deadlines of a run: what was asked for, what the work needs, and how busy the machines are (core/deadlines.hpp
/// has the arithmetic).

/// How busy a host of the run is, from what its ranks' preflight said.
struct HostOfRun {
  std::string host;
  HostLoad load;
};
/// One entry per booted system, in order of its first rank. What a rank does not know counts for nothing. `rank_facts`:
/// RankFacts records. Pure.
std::vector<HostOfRun> hosts_of_run(const std::vector<Json>& rank_facts);
/// widening() of the busiest.
double widening_of(const std::vector<HostOfRun>& hosts);

/// `config` for the worker of `group`: with what a step of its set-up may take for its bytes.
WorkerConfig config_of_group(const WorkerConfig& config, const CaseGroup& group, bool emulated);

/// run.deadlines of the report: {timeout_s, scale, widened_by, kernel_wait_s, round_s, watchdog_s, hosts[{host, ranks,
/// cores, load_1m, widened_by}]}. `asked` is the configuration before it was widened.
Json deadlines_json(const WorkerConfig& asked, const std::vector<HostOfRun>& hosts);

/// Of a plan, for people and for programs: each deadline and what it is made of. Batches as assumed: once the run has
/// measured iterations, these decide.
std::string plan_deadlines_text(const RunConfig& config, const Plan& plan);
/// {kernel_wait, stream, round, watchdog, start_up{mpi_init, round, device_context}, supervisors{settle, die,
/// stop, leader, beat, silent, between_runs, finish}, after_signal{run, serve, finish, leave}, finalize, work_factor,
/// most_widening, most_widening_of_signs (of silent and finish), groups[{id, round, setup_assumed, batch_least,
/// batch_most}]}, in s; a group without cases has no batches.
Json plan_deadlines_json(const RunConfig& config, const Plan& plan);

}  // namespace symmbench
