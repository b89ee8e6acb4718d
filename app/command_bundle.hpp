#pragma once
#include "app/cli.hpp"

namespace symmbench {

/// Writes an archive for a ticket and prints what is in it. 0; 2 where there is nothing to take or the archive exists, 3
/// when it cannot be written.
int command_bundle(const ParsedCommand& parsed);

}  // namespace symmbench
