#pragma once
#include <string>
#include <utility>
#include <vector>

namespace symmbench {

/// Where a rank stands, for its worker and for a person at the host.
struct RankPlace {
  int local_rank = 0;        ///< among the ranks of its host: which GPU is meant
  int supervisor_pid = 0;    ///< what mpirun started; the worker comes and goes
  std::string mpi;           ///< the library by its own word: "Open MPI v4.1.4"
  std::string mpi_standard;  ///< that it keeps: "3.1"
  /// Variables by which launchers tell whose job this is and how it was started, of those that workers do not inherit.
  std::vector<std::pair<std::string, std::string>> launched = {};
};

/// Supervisor: leaves `place` in the environment that its workers inherit. Launchers' own variables are many, and a
/// worker does not get them. Not thread-safe: before the first worker.
void tell_worker_its_place(const RankPlace& place);
/// Of this process' environment what RankPlace::launched is for: an allow-list.
std::vector<std::pair<std::string, std::string>> launcher_variables();
/// Worker: what its supervisor left; zeros and nothing where there is none.
RankPlace place_told_by_supervisor();

}  // namespace symmbench
