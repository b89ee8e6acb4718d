#pragma once
#include <cstdint>

namespace symmbench {

/// How many descriptors this process has open, the one that counts them included.
std::int64_t open_descriptors();

}  // namespace symmbench
