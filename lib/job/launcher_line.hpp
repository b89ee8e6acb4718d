#pragma once
#include <optional>
#include <span>
#include <string>

namespace symmbench {

/// A launcher's command line as a report may show it: values of variables that it exports (-x NAME=value, -env NAME value,
/// --export=NAME=value, and any word NAME=value in capitals) are "***", and so is what report/redact.hpp takes for a secret.
std::string masked_launcher_line(std::span<const std::string> words);

/// Of the launcher that started this process (mpirun, mpiexec, orterun, prterun, prun, srun), through a few wrappers at most;
/// nullopt: none is seen, as on further hosts.
std::optional<std::string> launcher_line();

}  // namespace symmbench
