#pragma once
#include <cstdint>

#include "kernels/protocol/macros.hpp"

namespace symmbench {

/// One packet of the message, as a Work hands it out.
struct Place {
  std::uint64_t packet;  ///< in the message
  std::uint64_t index;   ///< in its owner's share; two-shot only
  std::uint64_t column;  ///< in its row; row works only
  int owner;             ///< two-shot only
};

// Which places of a two-shot a loop visits: those of the shares of all ranks, of this rank, of the others.
struct All {};
struct Own {};
struct Others {};

/// The arguments of a call that every protocol needs.
struct Message {
  std::uint64_t input;    ///< address
  std::uint64_t packets;  ///< N
  std::uint64_t share;    ///< packets of one rank's share, the last ones may have fewer: ceil(N / world size)
};
SYMMBENCH_HD Message message_of(std::uint64_t input, std::uint64_t packets, int world_size) {
  return {input, packets, (packets + world_size - 1) / world_size};
}

// A Work says which packets the calling thread handles. On a GPU a thread has exactly one packet and keeps what it
// learns about it in registers from phase to phase; on the host one thread is a whole block, loops, and computes again
// what a GPU would have kept. The same protocol text reads naturally in both cases because of these members:
//
//   Kept<V>              keep(lane, v) stores v; get(lane, again) returns it. Host: keep does nothing, get asks again()
//   prepare(f)           GPU: f(lane, place) for the own packet, a chance to load early. Host: nothing
//   for_each(which, f)   f(lane, place) for every own packet among `which`. GPU: at most once, predicated
//   for_each_tile(which, f)  f(tile): a tile has for_each(f) and row_sum(). Plain works have one tile and never ask for
//                        row_sum; row works have one tile per row of the message
//   tile.row_sum(sum, alive, meanwhile)  replaces sum by the row's total, the same bits on every rank; every thread of
//                        the row must come, also those without a packet or whose wait gave up; false when some thread
//                        was not alive. meanwhile() is called where the parts of the sum travel and things are kept
//   for_each_index(count, f)  f(i) for this thread's part of [0, count), spread over the whole grid.
//   for_each_rank(n, f)  f(rank) by thread `rank` of the block; host: a loop.
//   block(), blocks(), leader()  leader is one thread of the block.
//   sync_block(), all_alive(alive)  block-wide barrier; the second also combines. Host: nothing.
//
// Block b depends on blocks b of the peers only, except in a GPU's two-shot: there on the group of W consecutive blocks
// that b belongs to (KP 7). Both follow from the same rule: a block's places are, on all ranks, the places of that
// block or group, so a Work must derive them from sizes alone.

}  // namespace symmbench
