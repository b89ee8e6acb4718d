#pragma once
#include <cstdint>

namespace symmbench {

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}
constexpr std::uint64_t ceil_div(std::uint64_t value, std::uint64_t divisor) { return (value + divisor - 1) / divisor; }

static_assert(round_up(1, 64) == 64 && round_up(64, 64) == 64 && round_up(0, 64) == 0);

}  // namespace symmbench
