#pragma once
#include <string>
#include <vector>

#include "config/run_config.hpp"

namespace symmbench {

/// `symmbench run`, on every MPI rank: starts MPI first of all, so that ranks leave together whatever the command line
/// holds. Returns the exit code that all ranks agreed on (design section 3).
int command_run(const std::vector<std::string>& arguments);

}  // namespace symmbench
