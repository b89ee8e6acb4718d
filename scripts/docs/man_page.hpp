#pragma once
#include <string>

namespace symmbench {

/// symmbench(1), in the man macros of roff: commands, every option, exit codes, files, environment.
std::string man_page();

}  // namespace symmbench
