#pragma once
#include "app/cli.hpp"

namespace symmbench {

/// Before a command does its work: that what -o names can be written, and is no file that somebody may still need.
/// @throws Error{config, ...} naming -o: it is missing; the file exists and there is no --force; its folder is missing or
/// not writable
void check_new_file(const ParsedCommand& parsed);

}  // namespace symmbench
