#pragma once
#include <string>

namespace symmbench {

/// A function file that completes commands, options, names and files of `symmbench` in zsh.
std::string zsh_completion();

}  // namespace symmbench
