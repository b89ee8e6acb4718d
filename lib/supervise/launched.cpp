#include "supervise/launched.hpp"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "supervise/process_identity.hpp"

namespace symmbench {
namespace {

constexpr const char* kArrived = "symmbench-rank";
constexpr std::string_view kRankEntry = "PMIX_RANK=";
/// Open MPI numbers its jobs by pid, so that containers of one host may have the same; where the server listens is its own.
constexpr const char* kJob[] = {"PMIX_NAMESPACE", "PMIX_SERVER_URI2"};
constexpr const char* kRanks[] = {"OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"};

std::optional<int> number_in(std::string_view text) {
  int value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc{} && result.ptr == text.data() + text.size() && value >= 0 ? std::optional(value)
                                                                                           : std::nullopt;
}

bool has_entry(std::string_view environment, std::string_view entry) {
  while (!environment.empty()) {
    const auto end = std::min(environment.find('\0'), environment.size());
    if (environment.substr(0, end) == entry) return true;
    environment.remove_prefix(std::min(end + 1, environment.size()));
  }
  return false;
}

std::optional<int> rank_in(std::string_view environment) {
  while (!environment.empty()) {
    const auto end = std::min(environment.find('\0'), environment.size());
    if (environment.starts_with(kRankEntry)) return number_in(environment.substr(0, end).substr(kRankEntry.size()));
    environment.remove_prefix(std::min(end + 1, environment.size()));
  }
  return std::nullopt;
}

std::vector<pid_t> all_processes() {
  std::vector<pid_t> pids;
  std::error_code failed;
  for (std::filesystem::directory_iterator at("/proc", failed), end; !failed && at != end; at.increment(failed)) {
    if (const auto pid = number_in(at->path().filename().string())) pids.push_back(*pid);
  }
  return pids;
}

/// Of one launch.
class Launch {
 public:
  explicit Launch(const LaunchPlace& place) : place_(place) {}

  /// The rank that a process was started as; nullopt: it is none of this launch.
  std::optional<int> rank_of(pid_t pid) const {
    const std::string environment = environment_of(pid).value_or("");
    for (const auto& entry : place_.job) {
      if (!has_entry(environment, entry)) return std::nullopt;
    }
    return rank_in(environment);
  }

  /// The nearest process above this one that is no rank of the launch; nullopt: out of sight.
  std::optional<pid_t> launcher() const {
    auto above = parent_of(getpid());
    while (above && *above > 0 && rank_of(*above)) above = parent_of(*above);
    return above && *above > 0 ? above : std::nullopt;
  }

 private:
  const LaunchPlace& place_;
};

LaunchedRank seen(pid_t pid) {
  return {.pid = pid,
          .arrived = process_name_of(pid) == kArrived,
          .stopped = is_stopped(pid),
          .command = command_line_of(pid)};
}

}  // namespace

std::optional<LaunchPlace> launch_place(const char* (*value_of)(const char* name)) {
  const auto number = [&](const char* name) {
    const char* text = value_of(name);
    return text != nullptr ? number_in(text) : std::nullopt;
  };
  LaunchPlace place;
  for (const char* name : kJob) {
    if (const char* value = value_of(name)) place.job.push_back(fmt::format("{}={}", name, value));
  }
  const auto rank = number("PMIX_RANK");
  if (value_of(kJob[0]) == nullptr || !rank) return std::nullopt;
  place.rank = *rank;
  for (const char* name : kRanks) {
    if (place.ranks == 0) place.ranks = number(name).value_or(0);
  }
  place.ranks_here = number("OMPI_COMM_WORLD_LOCAL_SIZE");
  return place;
}

LaunchView look_at_launch(const LaunchPlace& place) {
  const Launch launch(place);
  const auto launcher = launch.launcher();
  LaunchView view{.whole = launcher.has_value()};
  std::map<int, std::uint64_t> started;
  for (const pid_t pid : all_processes()) {
    const auto rank = launch.rank_of(pid);
    if (rank) {
      LaunchedRank found = seen(pid);
      const auto [at, first] = view.ranks.try_emplace(*rank);
      found.arrived = found.arrived || at->second.arrived;
      const auto begun = start_time_of(pid);
      // Of those that started in the same tick, the one with the higher number.
      if (!first && std::pair(begun, pid) < std::pair(started[*rank], at->second.pid)) {
        at->second.arrived = found.arrived;
        continue;
      }
      started[*rank] = begun;
      at->second = std::move(found);
    } else if (launcher && parent_of(pid) == launcher && !environment_of(pid)) {
      view.whole = false;  // a rank as another user
    }
  }
  return view;
}

void announce_arrival() { prctl(PR_SET_NAME, kArrived); }

}  // namespace symmbench
