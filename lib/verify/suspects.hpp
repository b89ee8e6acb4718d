#pragma once
#include <compare>
#include <vector>

#include "verify/explain.hpp"

namespace symmbench {

/// A mistake that would have given exactly what was got. Ordered by how readily it is believed.
struct Suspect {
  BlameKind kind = BlameKind::unexplained;
  int source_rank = -1;  ///< -1: not one rank's contribution
  int age = 0;
  std::int64_t index_shift = 0;
  auto operator<=>(const Suspect&) const = default;
};

/// Every mistake that explains one mismatch by itself; empty when none does.
std::vector<Suspect> suspects_of(const Mismatch& mismatch, const ExplainParameters& parameters);

}  // namespace symmbench
