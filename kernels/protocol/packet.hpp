#pragma once
#include <cstdint>

#include "kernels/protocol/fusion_layout.hpp"

namespace symmbench {

/// What one access moves: 16 bytes, four 32-bit words, lanes in address order (little endian). A 16-byte access is not
/// one atomic unit on any device, so each word is its own "arrived" flag.
struct alignas(16) Packet {
  std::uint32_t word[4];
};
static_assert(sizeof(Packet) == kPacketBytes);

SYMMBENCH_HD Packet sentinel_packet() { return {{kSentinel, kSentinel, kSentinel, kSentinel}}; }

/// first ? a : b, word by word: a choice between two objects would need their addresses, and a GPU's registers have
/// none.
SYMMBENCH_HD Packet either(bool first, const Packet& a, const Packet& b) {
  return {{first ? a.word[0] : b.word[0], first ? a.word[1] : b.word[1], first ? a.word[2] : b.word[2],
           first ? a.word[3] : b.word[3]}};
}

/// Whether any word has not arrived. By bits, never by value: flush-to-zero would make a negative subnormal equal -0.0f
/// and the wait would never end (FlashInfer issue 3053).
SYMMBENCH_HD bool has_sentinel(const Packet& packet) {
  return packet.word[0] == kSentinel || packet.word[1] == kSentinel || packet.word[2] == kSentinel ||
         packet.word[3] == kSentinel;
}

/// What a sender does to its payload: exactly the word 0x80000000 becomes 0 (fp32: -0 becomes +0; 16-bit pairs: (+0,
/// -0) becomes (+0, +0)). Every other word, NaNs included, travels as it is.
SYMMBENCH_HD Packet sanitised(Packet packet) {
  SYMMBENCH_UNROLL
  for (int i = 0; i < 4; ++i) packet.word[i] = packet.word[i] == kSentinel ? 0 : packet.word[i];
  return packet;
}

}  // namespace symmbench
