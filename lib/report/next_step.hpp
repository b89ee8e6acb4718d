#pragma once
#include <cstdint>
#include <string>

#include "core/error.hpp"

namespace symmbench {

/// Which of the allocators that ran have a failure.
enum class Shared : std::uint8_t {
  unknown,  ///< one ran, or it is no allocator's in particular
  by_some,  ///< others did not fail for this reason
  by_all,
};

/// Whether the rank of a failure is the one that did not move: of worker and supervisor; elsewhere it waited for another.
bool did_not_move(const Failure& failure);

/// What to do about a failure, in one line a person can act on.
std::string next_step(const Failure& failure, Shared shared = Shared::unknown);

}  // namespace symmbench
