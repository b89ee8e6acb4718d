#pragma once
#include "kernels/protocol/macros.hpp"

namespace symmbench {

/// A world size known at compile time: loops over ranks unroll and their packets stay in registers.
template <int N>
struct FixedWorld {
  static constexpr int kChunk = N < 8 ? N : 8;  ///< ranks whose packets are polled, and held, at a time
  SYMMBENCH_HD constexpr int size() const { return N; }
};

/// Any world size up to kMaxRanks.
struct AnyWorld {
  static constexpr int kChunk = 8;
  int ranks;
  SYMMBENCH_HD constexpr int size() const { return ranks; }
};

/// The `step`-th rank after `rank`, 0 <= step < size - 1: every rank starts with another peer, so that no link is
/// everybody's first.
template <class World>
SYMMBENCH_HD int peer_after(World world, int rank, int step) {
  const int next = rank + 1 + step;
  return next < world.size() ? next : next - world.size();
}

}  // namespace symmbench
