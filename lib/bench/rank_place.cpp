#include "bench/rank_place.hpp"

#include <cstdlib>
#include <string>

namespace symmbench {
namespace {

constexpr const char* kLocalRank = "SYMMBENCH_LOCAL_RANK";
constexpr const char* kSupervisorPid = "SYMMBENCH_SUPERVISOR_PID";

int number_in(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? 0 : std::atoi(text);
}

}  // namespace

void tell_worker_its_place(const RankPlace& place) {
  ::setenv(kLocalRank, std::to_string(place.local_rank).c_str(), 1);
  ::setenv(kSupervisorPid, std::to_string(place.supervisor_pid).c_str(), 1);
}

RankPlace place_told_by_supervisor() {
  return {.local_rank = number_in(kLocalRank), .supervisor_pid = number_in(kSupervisorPid)};
}

}  // namespace symmbench
