#pragma once
#include <span>
#include <string>

#include "config/run_config.hpp"
#include "job/agreement.hpp"
#include "job/job_plan.hpp"
#include "job/mpi_job.hpp"
#include "report/run_gate.hpp"

namespace symmbench {

/// How a run was started, for the head of its report.
struct Invocation {
  Json tool;                                           ///< {version, git, build}
  std::string command;                                 ///< as it was typed
  std::string repro_command;                           ///< the same, to be pasted (config/repro.hpp)
  std::optional<std::string> launcher = std::nullopt;  ///< job/launcher_line.hpp
  /// The same on the emulated device, ready to be pasted: for where --device auto finds no GPU at all.
  std::string emulated_command;
};

struct MeasuredRun {
  Json report;         ///< with its verdict; not yet written anywhere
  std::string family;  ///< DeviceDecision::family, for a tuning table
};

/// Rank 0's part of `symmbench run`, up to the report: facts of every rank, the device decided from them, the plan
/// carried out on it. Where machine facts forbid the run, or it is interrupted, the report says so.
/// `gate`: what the run is held against; null: nothing. Where it objects to the machine, nothing is run.
MeasuredRun measure(MpiJob& job, JobPlan& plan, const RunConfig& config, const Invocation& invocation,
                    const RunGate* gate);

/// The report of a run that did not begin because its ranks disagree (`why`): what was planned, and who they are.
Json report_of_disagreement(const JobPlan& plan, const RunConfig& config, const Invocation& invocation,
                            std::span<const RankIntent> ranks, const std::string& why);

}  // namespace symmbench
