#pragma once
#include <string>

#include "job/job_plan.hpp"
#include "job/mpi_job.hpp"

namespace symmbench {

/// Rank 0, after the cases of a run: where something failed or hung in a group of more than two ranks, smaller groups of it
/// are brought up, checked for whose memory each mapping shows, and run one plain allreduce, under the allocator, workspace,
/// handle and algorithm of the first failure (supervise/bisection.hpp says which groups). Appends a BisectRecord for each such
/// group of ranks. Ends within deadline::kBisect_s; what was not tried by then is told. All groups of ranks at the same time.
/// Returns how it ended: interrupted only by what ends the run too.
RunOutcome bisect_failures(MpiJob& job, const JobPlan& plan, const WorkerConfig& config, const std::string& device);

}  // namespace symmbench
