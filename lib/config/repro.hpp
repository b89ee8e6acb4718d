#pragma once
#include <string>
#include <vector>

#include "config/nccl_tests.hpp"
#include "config/run_config.hpp"
#include "core/json.hpp"

namespace symmbench {

/// How a run was started.
struct Launch {
  std::string program;  ///< path of the executable
  TypedOptions typed;   ///< as the command line was cut
  int world_size = 0;
};

/// One command that repeats the run, ready to be pasted into a shell on the same machine: the options that differ from their
/// defaults, or, where options alone cannot say it (several sweeps, a table of a file), the options that were typed, with the
/// paths they read made absolute. Without what says where this run writes.
std::string repro_command(const RunConfig& config, const Launch& launch);

/// The command that was typed, `words` from the program's name on, on the emulated device instead. For a shell.
std::string emulated_command(const std::vector<std::string>& words, int world_size);

/// The configuration without where this run writes: repeated from its own report, a run must not write over it.
Json repeatable(const RunConfig& config);

}  // namespace symmbench
