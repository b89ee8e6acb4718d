#pragma once
#include <cstdint>

namespace symmbench {

/// How many descriptors this process has open, without those that are there only to count them.
std::int64_t open_descriptors();

}  // namespace symmbench
