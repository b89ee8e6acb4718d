#pragma once
#include <string>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

/// A check of a report's gate that regressed, in one line: allocator, case, time or bandwidth, limit, what is proven.
std::string regression_text(const Json& check);

/// What the gate of a report came to, and what regressed; empty without a gate.
std::vector<std::string> gate_lines(const Json& report);

}  // namespace symmbench
