#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "core/error.hpp"

namespace symmbench {

/// What the check of one rank has found since the one before, as ranks exchange it by value.
struct CheckSummary {
  std::uint64_t checked_elements, wrong_elements, guard_words, digest;
  float max_error;
};

/// What a check was to prove.
struct CheckScope {
  std::uint64_t elements = 0;  ///< that every rank was to look at
  bool same_bits = false;      ///< results are the same bits on every rank
};

/// What the checks of all ranks say together.
struct CheckResult {
  std::uint64_t checked_elements = 0, wrong_elements = 0;  ///< over all ranks
  double max_error = 0;                                    ///< largest over ranks
  /// Set when anything is wrong. Rank and peer are ranks of the group.
  std::optional<Failure> failure;
};

/// Pure. Of several faults the first of this list is the failure, of several ranks the lowest:
///  1. wrong elements                                    -> wrong_data
///  2. a rank looked at other than `scope.elements`      -> internal: nothing is proved by a check that saw less
///  3. guard words around the outputs were overwritten   -> corrupted
///  4. digests differ where results are the same bits    -> wrong_data, with rank 0 as the peer
/// @pre by_rank has one entry for each rank of the group
CheckResult judge(std::span<const CheckSummary> by_rank, const CheckScope& scope);

}  // namespace symmbench
