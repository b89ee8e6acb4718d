#pragma once
#include <string>

namespace symmbench {

/// A script that completes commands, options, names and files of `symmbench` in bash.
std::string bash_completion();

}  // namespace symmbench
