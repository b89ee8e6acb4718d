#pragma once
#include <map>
#include <optional>
#include <string>

#include "core/json.hpp"

namespace symmbench {

// What a report tells of hosts, processes and the driver's files, as texts to be held against those of another report. What
// changes from minute to minute (free memory, load) is not among it. "unknown" where a report does not say.

/// Of libcuda, NVML and NCCL name, version and path.
std::string driver_libraries(const Json& report);
/// Whether the GPUs that were used are cut into instances.
std::string mig_modes(const Json& report);
/// Of each handle type what memory must be a multiple of.
std::string granularities(const Json& report);
/// In whole GiB: firmware takes a little more or less of it on every boot.
std::string memory_of_hosts(const Json& report);
/// A limit of the ranks' control groups, "none" where there is none.
std::string limits_of_ranks(const Json& report, const char* key);
/// "1024 (hard 1048576)" of a limit of the ranks' processes.
std::string process_limit(const Json& report, const char* key);
/// By name the version of each module that is loaded on some host, "loaded" where it tells none; nullopt: not told.
std::optional<std::map<std::string, std::string>> loaded_modules(const Json& report);

}  // namespace symmbench
