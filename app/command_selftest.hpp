#pragma once
#include <string>
#include <vector>

namespace symmbench {

/// `symmbench selftest`: under mpirun, every rank. Returns the exit code that all of them leave with.
int command_selftest(const std::vector<std::string>& arguments);

}  // namespace symmbench
