#include "bench/rank_place.hpp"

#include <array>
#include <cstdlib>
#include <string>

#include "core/json.hpp"

namespace symmbench {
namespace {

constexpr const char* kLocalRank = "SYMMBENCH_LOCAL_RANK";
constexpr const char* kSupervisorPid = "SYMMBENCH_SUPERVISOR_PID";
constexpr const char* kLauncher = "SYMMBENCH_LAUNCHER";

/// Of Open MPI and PMIx; the rest of theirs has addresses and keys.
constexpr std::array kLauncherVariables{
    "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE",         "OMPI_MCA_ess_base_jobid", "OMPI_MCA_btl",
    "OMPI_MCA_pml",         "OMPI_MCA_hwloc_base_binding_policy", "PMIX_NAMESPACE"};

int number_in(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? 0 : std::atoi(text);
}

}  // namespace

void tell_worker_its_place(const RankPlace& place) {
  ::setenv(kLocalRank, std::to_string(place.local_rank).c_str(), 1);
  ::setenv(kSupervisorPid, std::to_string(place.supervisor_pid).c_str(), 1);
  const Json launcher{{"mpi", place.mpi}, {"standard", place.mpi_standard}, {"variables", place.launched}};
  ::setenv(kLauncher, launcher.dump(-1, ' ', true, Json::error_handler_t::replace).c_str(), 1);
}

std::vector<std::pair<std::string, std::string>> launcher_variables() {
  std::vector<std::pair<std::string, std::string>> variables;
  for (const char* name : kLauncherVariables) {
    if (const char* value = std::getenv(name)) variables.emplace_back(name, value);
  }
  return variables;
}

RankPlace place_told_by_supervisor() {
  RankPlace place{.local_rank = number_in(kLocalRank), .supervisor_pid = number_in(kSupervisorPid)};
  const char* launcher = std::getenv(kLauncher);
  if (launcher == nullptr) return place;
  const Json told = parse_json(launcher, kLauncher);
  place.mpi = told.at("mpi").get<std::string>();
  place.mpi_standard = told.at("standard").get<std::string>();
  place.launched = told.at("variables").get<std::vector<std::pair<std::string, std::string>>>();
  return place;
}

}  // namespace symmbench
