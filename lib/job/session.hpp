#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "comm/mpi_transport.hpp"
#include "job/agreement.hpp"
#include "job/mpi_job.hpp"

namespace symmbench {

/// How a rank enters a job and leaves it: all of them together, whatever one of them has to object.

/// MPI_Init, bounded: a rank that does not come is named (job/arrivals.hpp). On a busy machine everything that ranks wait for
/// at their start and end is given longer, and so it is by a `scale` (--deadline-scale) above 1. @throws as MpiSession()
MpiSession arrive(double scale);

/// What `step` throws, as the line to print; nullopt when it goes through.
std::optional<std::string> objection_of(const std::function<void()>& step);

/// Collective. The first rank that has something to say says it on stderr; all ranks then know that somebody had.
/// `step`: what they were about, should a rank not come to it.
bool anyone_objects(MpiSession& mpi, std::string_view step, const std::optional<std::string>& objection);

/// Collective. What every rank is about to do, by rank, on every rank: for disagreement(). From then on all of them wait as
/// long as the busiest host needs.
std::vector<RankIntent> intents_of_all(MpiSession& mpi, RankIntent mine);

/// After a start-up round that failed, on every rank that came to it: the one that noticed says so, and the process ends
/// with exit code 3, without MPI_Finalize, which would wait for the rank that is missing.
[[noreturn]] void abandon(const MpiSession& mpi, const std::string& command, const Failure& failure);

/// Collective, after every rank arrived: MPI's end, then `exit_code` again. Bounded: where a rank died after its
/// farewell, the process ends with `exit_code` all the same.
int leave(MpiSession& mpi, int exit_code);

/// Collective. A job from its journals to its end: rank 0 does `coordinate`, which calls MpiJob::finish() and returns
/// the exit code that it gave there; the others serve. `journal_dir`: nullopt for no journals. Returns the exit code
/// that all ranks agreed on, MPI finalized; 2 when rank 0 cannot open its journal. Ends the process with that code when
/// a rank is lost, for MPI would wait for it.
int run_job(MpiSession& mpi, JobOptions options, const std::optional<std::string>& journal_dir,
            const std::function<int(MpiJob&)>& coordinate);

}  // namespace symmbench
