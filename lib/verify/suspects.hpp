#pragma once
#include <compare>
#include <cstdint>
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

/// Whether `explained` of `of` mismatches are more than chance: few values are possible in a short type, so that what is
/// wrong for another reason now and then equals what a mistake would have given. More: in less than one report of noise in
/// a hundred does any mistake explain as many. What needs no chance, unwritten output, always is; one flipped bit where
/// it explains a quarter.
bool is_convincing(const Suspect& suspect, std::uint64_t explained, std::uint64_t of,
                   const ExplainParameters& parameters);

}  // namespace symmbench
