#pragma once
#include <string>
#include <vector>

namespace symmbench {

/// `symmbench run`, on every MPI rank: starts MPI first of all, so that ranks leave together whatever the command line
/// holds. Returns the exit code that all ranks agreed on (report/verdict.hpp).
int command_run(const std::vector<std::string>& arguments);

}  // namespace symmbench
