#pragma once
#include <cstdint>

namespace symmbench {

inline constexpr std::uint64_t kKiB = 1024;         ///< bytes
inline constexpr std::uint64_t kMiB = 1024 * kKiB;  ///< bytes

}  // namespace symmbench
