#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>

#include "device/driver.hpp"

namespace symmbench {

/// What this process may still allocate: the smaller of the machine's MemAvailable and the room left in each memory
/// cgroup (v1 or v2) above the process. Page cache that the kernel would drop first counts as room.
/// `root` stands for "/" (tests give a tree of their own). Unreadable files count as "no limit".
MemoryInfo system_memory(const std::filesystem::path& root = "/");

/// The lowest limit of the memory cgroups above this process in bytes, where it is below the machine's memory; nullopt:
/// there is none.
std::optional<std::uint64_t> memory_limit_of_groups(const std::filesystem::path& root = "/");

}  // namespace symmbench
