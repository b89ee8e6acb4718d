#pragma once

namespace symmbench {

/// Where a rank stands, for its worker and for a person at the host.
struct RankPlace {
  int local_rank = 0;      ///< among the ranks of its host: which GPU is meant
  int supervisor_pid = 0;  ///< what mpirun started; the worker comes and goes
};

/// Supervisor: leaves `place` in the environment that its workers inherit. Launchers' own variables are many, and a
/// worker does not get them. Not thread-safe: before the first worker.
void tell_worker_its_place(const RankPlace& place);
/// Worker: what its supervisor left; zeros where there is none.
RankPlace place_told_by_supervisor();

}  // namespace symmbench
