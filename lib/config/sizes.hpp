#pragma once
#include <cstdint>
#include <vector>

#include "config/run_config.hpp"

namespace symmbench {

/// Sizes from min to max bytes by step_factor (rounded down to whole bytes, always growing) or step_bytes.
std::vector<std::uint64_t> sizes_of(const Sweep& sweep);
inline constexpr std::size_t kMaxSizes = 4096;  ///< of one sweep; more is taken for a typing mistake

}  // namespace symmbench
