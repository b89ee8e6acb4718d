#pragma once
#include "app/cli.hpp"

namespace symmbench {

/// `symmbench html REPORT [OTHER] -o FILE`: a report as a page for a browser. Returns the exit code.
int command_html(const ParsedCommand& parsed);

}  // namespace symmbench
