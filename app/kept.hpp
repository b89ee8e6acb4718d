#pragma once
#include <vector>

#include "core/json.hpp"

namespace symmbench {

/// Holds documents until others are to be kept, or the process ends: to give a large one back value by value takes a good
/// part of the time that reading it took, and a command that ends has no use for the memory. Of one thread at a time.
const std::vector<Json>& kept(std::vector<Json> documents);

}  // namespace symmbench
