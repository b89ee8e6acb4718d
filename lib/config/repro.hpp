#pragma once
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "core/json.hpp"

namespace symmbench {

/// One command that repeats the run. Where the configuration has several sweeps it reads them from a file that
/// holds `run.config` of the report.
std::string repro_command(const RunConfig& config, int world_size);

/// The command that was typed, `words` from the program's name on, on the emulated device instead. For a shell.
std::string emulated_command(const std::vector<std::string>& words, int world_size);

/// The configuration without where this run writes: repeated from its own report, a run must not write over it.
Json repeatable(const RunConfig& config);

}  // namespace symmbench
