#pragma once
#include <filesystem>

#include "core/json.hpp"

namespace symmbench {

/// What is known of this rank's host and of the operating system around the process: {os: name and release, kernel,
/// architecture, cpu_model, memory_total_bytes, memory_available_bytes, container: signs of one, kernel_driver: what NVIDIA's
/// kernel module says of itself, modules: [{name, version}] of those that are loaded and matter here, unknown: [{fact,
/// why}]}. What cannot be read, or is no answer, is null and has its reason in `unknown`; container and modules are arrays
/// where they can be told. `root` stands for "/" (tests give a tree of their own). Returns in any case within
/// deadline::kFileSystem_s, then with nothing but that reason.
Json host_facts(const std::filesystem::path& root = "/");

/// The limits of this process: {memlock, nofile, core, stack, nproc, address_space: {soft, hard}}, in bytes, descriptors and
/// processes; soft or hard null: no limit; an entry null: not told. (getrlimit)
Json process_limits();

}  // namespace symmbench
