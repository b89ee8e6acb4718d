#pragma once
#include <filesystem>

#include "device/driver.hpp"

namespace symmbench {

/// What this process may still allocate: the smaller of the machine's MemAvailable and the room left in each memory
/// cgroup (v1 or v2) above the process. Page cache that the kernel would drop first counts as room.
/// `root` stands for "/" (tests give a tree of their own). Unreadable files count as "no limit".
MemoryInfo system_memory(const std::filesystem::path& root = "/");

}  // namespace symmbench
