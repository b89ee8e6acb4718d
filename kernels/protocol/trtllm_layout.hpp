#pragma once
#include <cstdint>

#include "kernels/protocol/fusion_layout.hpp"

namespace symmbench {

inline constexpr std::uint64_t kTrtllmBlocks = 24;         ///< most that a call may have: flags for each are there
inline constexpr std::uint64_t kTrtllmLamportTokens = 16;  ///< most rows of a call that sends Lamport packets
inline constexpr std::uint64_t kTrtllmLamportHidden =
    256;  ///< least hidden of such a call, and what it is a multiple of

/// Sizes of the trtllm workspace, FlashInfer's of releases before 0.7.0: two comm buffers, two of flags, three for Lamport
/// packets, each a symmetric allocation of its own. Plain data, computed once.
struct TrtllmLayout {
  int world_size = 0;
  std::uint64_t elements = 0;  ///< M x H: of the largest message
  std::uint64_t hidden = 0;    ///< H: of the widest row

  /// Of either comm buffer: W messages of 4 bytes per element, whatever the type.
  SYMMBENCH_HD std::uint64_t comm_bytes() const { return ranks() * elements * 4; }
  /// Of the flags of either barrier: a row for all blocks together and one per block, twice, of a word per rank.
  SYMMBENCH_HD std::uint64_t flag_bytes() const { return (kTrtllmBlocks + 1) * 4 * ranks() * 2; }
  /// Of one of the three Lamport buffers: W messages of 16 rows in 16 bits would do. Upstream has W in it twice.
  SYMMBENCH_HD std::uint64_t lamport_bytes() const { return ranks() * kTrtllmLamportTokens * ranks() * hidden * 2; }

  SYMMBENCH_HD std::uint64_t ranks() const { return static_cast<std::uint64_t>(world_size); }
};

/// What a call that meets its peers by flags takes of a trtllm workspace. Its flag is the next number of a count that all
/// such calls share and Lamport calls leave alone; even calls have the first comm buffer and the first rows of flags, odd
/// ones the second.
///
/// Two buffers are enough: a rank writes one again two calls later, which it begins when every block of the call between
/// has met the peers'; these signal there only after they have read this one.
struct FlagCall {
  std::uint32_t flag;
  std::uint64_t buffer;           ///< in the comm area, bytes
  std::uint64_t in_row, out_row;  ///< of this block, in the area of flags, bytes: of the first and the second barrier
};

/// Rows lie where upstream has those of a grid of kTrtllmBlocks, whatever the grid, so that no call takes another's row of
/// the other parity. The first of each parity, which upstream keeps for a barrier of all blocks, stays unused.
SYMMBENCH_HD FlagCall flag_call(int world_size, std::uint32_t block, std::uint32_t flag, std::uint64_t comm_bytes) {
  const TrtllmLayout layout{world_size};
  const std::uint64_t odd = flag % 2;
  const std::uint64_t row = (1 + block + odd * (kTrtllmBlocks + 1)) * layout.ranks() * 4;
  return {flag, odd * comm_bytes, row, layout.flag_bytes() + row};
}

}  // namespace symmbench
