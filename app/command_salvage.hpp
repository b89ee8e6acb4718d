#pragma once
#include "app/cli.hpp"

namespace symmbench {

/// Writes the report of a run out of its journals, which stay. Its exit code is the report's; 2 where there is nothing
/// to make a report of or the file exists, 3 when it cannot be written.
int command_salvage(const ParsedCommand& parsed);

}  // namespace symmbench
