#include "bench/machine_load.hpp"

#include <sched.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "device/host/system_memory.hpp"

namespace symmbench {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// Version 2: of this group, and of the root as a container sees it. Version 1 keeps the two numbers apart.
std::optional<double> quota_of_this_process() {
  std::optional<double> least;
  const auto take = [&](std::optional<double> cores) {
    if (cores && (!least || *cores < *least)) least = cores;
  };
  const std::string root = "/sys/fs/cgroup";
  take(cpu_quota_cores(text_of(root + "/cpu.max")));
  if (const auto own = text_of("/proc/self/cgroup"); own.starts_with("0::/")) {
    for (std::string path = own.substr(3); path.size() > 1; path.resize(path.rfind('/'))) {
      take(cpu_quota_cores(text_of(root + path + "/cpu.max")));
    }
  }
  take(cpu_quota_cores(text_of(root + "/cpu/cpu.cfs_quota_us") + " " + text_of(root + "/cpu/cpu.cfs_period_us")));
  return least;
}

Json allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? Json(CPU_COUNT(&set)) : Json(nullptr);
}

}  // namespace

std::optional<double> cpu_quota_cores(std::string_view cpu_max) {
  std::istringstream words{std::string(cpu_max)};
  double quota = 0, period = 0;
  if (!(words >> quota >> period) || quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

Json machine_load() {
  double load = 0;
  const bool known = ::getloadavg(&load, 1) == 1;
  return {{"cpus_allowed", allowed_cpus()},
          {"cpu_quota", json_or_null(quota_of_this_process())},
          {"memory_limit_bytes", json_or_null(memory_limit_of_groups())},
          {"load_1m", known ? Json(load) : Json(nullptr)}};
}

}  // namespace symmbench
