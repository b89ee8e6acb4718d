#pragma once
#include <cstdint>

#include "kernels/protocol/macros.hpp"

namespace symmbench {

inline constexpr int kMaxRanks = 72;                     // one NVL72 domain
inline constexpr std::uint64_t kPacketBytes = 16;        // one access of one GPU thread
inline constexpr std::uint32_t kSentinel = 0x80000000u;  // -0.0f: "not yet arrived", in every 32-bit word, every dtype
inline constexpr int kLamportSlots = 3;
inline constexpr std::uint64_t kBarrierRows = 256;  // rows of the flag buffer, one per block, as many as upstream
inline constexpr std::uint64_t kMaxCommBytes = 2147483647ull & ~((1ull << 21) - 1);  // upstream's limit, 2046 MiB

/// Sizes of the trtllm_fusion workspace, for the largest message it must hold. Plain data, computed once.
/// `message_bytes` is one rank's input (tokens x hidden x element size), a multiple of kPacketBytes.
struct FusionLayout {
  int world_size = 0;
  std::uint64_t message_bytes = 0;  ///< capacity
  std::uint64_t element_bytes = 2;

  /// Segment 0, barrier two-shot: input area, then result area. Upstream has only the first term, which overflows for
  /// fp32 at two ranks.
  SYMMBENCH_HD std::uint64_t comm_bytes() const {
    const std::uint64_t upstream = world_size * (message_bytes / element_bytes) * 2;
    const std::uint64_t needed = 2 * padded_message_bytes();
    return upstream > needed ? upstream : needed;
  }
  /// Segment 1: kBarrierRows rows of one 32-bit word per rank.
  SYMMBENCH_HD std::uint64_t flag_bytes() const { return kBarrierRows * 4 * static_cast<std::uint64_t>(world_size); }
  /// C: one of the three Lamport slots. Clamped as upstream does; a one-shot beyond it is refused before launch.
  SYMMBENCH_HD std::uint64_t slot_bytes() const {
    const std::uint64_t wanted = world_size * message_bytes;
    const std::uint64_t two_shot = 2 * padded_message_bytes();
    const std::uint64_t larger = wanted > two_shot ? wanted : two_shot;
    return larger < kMaxCommBytes ? larger : kMaxCommBytes;
  }
  /// Segment 2: three slots.
  SYMMBENCH_HD std::uint64_t lamport_bytes() const { return kLamportSlots * slot_bytes(); }

  /// A message cut into equal shares of whole packets, one per rank; the last may be padding.
  SYMMBENCH_HD std::uint64_t padded_message_bytes() const {
    const std::uint64_t ranks = static_cast<std::uint64_t>(world_size);
    const std::uint64_t packets = (message_bytes + kPacketBytes - 1) / kPacketBytes;
    return (packets + ranks - 1) / ranks * ranks * kPacketBytes;
  }
};

/// A rank's place in the message of a two-shot: packets [first, first + count). Equal shares; the last ones may be
/// shorter or empty.
struct Share {
  std::uint64_t first, count;
};
SYMMBENCH_HD Share share_of(int rank, int world_size, std::uint64_t packets) {
  const std::uint64_t size = (packets + world_size - 1) / world_size;
  const std::uint64_t first = size * rank < packets ? size * rank : packets;
  return {first, first + size <= packets ? size : packets - first};
}

}  // namespace symmbench
