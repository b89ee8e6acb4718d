#pragma once
#include <string>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

/// What to do about a failure, in one line a person can act on.
std::string next_step(const Failure& failure);

/// What a report comes to, for a person: what failed, where, what to do next; what did not run and why; who is faster.
std::vector<std::string> summary_lines(const Json& report);

}  // namespace symmbench
