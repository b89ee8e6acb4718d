#pragma once
#include <string>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

/// What a report's comparison[] and transport_comparison[] come to, for a person: of each pair of allocators, and of the
/// transports of each, how many cases were decided how, with the
/// mean ratio of those that were; which cases differ; why the others are not decided, and what would decide them.
std::vector<std::string> decision_lines(const Json& report);

}  // namespace symmbench
