#pragma once
#include "kernels/protocol/inputs.hpp"

namespace symmbench {

/// What the experts of one rank leave to be summed before the allreduce.
struct ExpertShape {
  std::uint64_t tokens;
  std::uint32_t slots;  ///< experts of the rank, or experts per token
};

inline constexpr int kExpertStream = -3;

SYMMBENCH_HD std::uint64_t expert_hash(std::uint64_t seed, std::uint64_t index) {
  return mix64(mix64(seed + 0x9E3779B97F4A7C15ull * static_cast<std::uint64_t>(kExpertStream + 3) + 1) + index);
}

/// The weight of one slot of a token, a number that T holds. Exact inputs: 1 or -1 in one slot and 0 in the others, so
/// that a rank adds two integers, whatever the number of slots.
template <class T>
SYMMBENCH_HD float expert_scale(std::uint64_t seed, InputKind kind, const ExpertShape& shape, std::uint64_t token,
                                std::uint32_t slot) {
  const std::uint64_t hash = expert_hash(seed, 2 * (token * shape.slots + slot));
  if (kind == InputKind::exact) {
    const bool chosen = expert_hash(seed, 2 * token + 1) % shape.slots == slot;
    return !chosen ? 0.0f : hash % 2 == 0 ? 1.0f : -1.0f;
  }
  const std::uint32_t word = random_word<T>(static_cast<std::uint32_t>(hash >> 32));
  if constexpr (sizeof(T) == 4) {
    return float_of(word);
  } else {
    return to_float(T{static_cast<std::uint16_t>(word)});
  }
}

/// Where the row of one slot of a token lies among tokens * slots permuted ones; -1, once in four, where another rank has
/// that expert.
SYMMBENCH_HD std::int32_t expert_row(std::uint64_t seed, const ExpertShape& shape, std::uint64_t token,
                                     std::uint32_t slot) {
  const std::uint64_t row = token * shape.slots + slot;
  if (expert_hash(seed, 2 * row) % 4 == 0) return -1;
  return static_cast<std::int32_t>(shape.tokens * shape.slots - 1 - row);
}

}  // namespace symmbench
