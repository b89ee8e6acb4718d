#pragma once
#include <optional>
#include <string_view>

#include "core/json.hpp"

namespace symmbench {

/// Cores that a cgroup's cpu.max grants: "150000 100000" is 1.5; nullopt for "max" and for what is no such text.
std::optional<double> cpu_quota_cores(std::string_view cpu_max);

/// What this process may use of its machine and how busy that is: {cpus_allowed: by affinity, cpu_quota: cores of the
/// control group, memory_limit_bytes: likewise, load_1m: runnable tasks of the whole machine, mean over a minute}; null
/// where it cannot be read, or, of the control group, where there is no limit.
Json machine_load();

}  // namespace symmbench
