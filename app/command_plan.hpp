#pragma once
#include "app/cli.hpp"

namespace symmbench {

/// `symmbench plan`: prints what a run would do to stdout; 0. Needs neither MPI nor a GPU. Usage errors go to stderr; 2.
int command_plan(const ParsedCommand& parsed);

}  // namespace symmbench
