#pragma once
#include <concepts>
#include <cstdint>

#include "kernels/protocol/message.hpp"
#include "kernels/protocol/packet.hpp"

namespace symmbench {

// Which packets of a two-shot a loop visits: those of the shares of all ranks, of this rank, of the others.
struct AllShares {};
struct LocalShare {};
struct RemoteShares {};

// A partition says which packets the calling thread handles. On a GPU a thread has exactly one packet and keeps what it
// learns about it in registers from phase to phase; on the host one thread is a whole block, loops, and computes again
// what a GPU would have retained. The same protocol text reads naturally in both cases because of these members:
//
//   Retained<V>          set(lane, v) stores v; get_or(lane, again) returns it. Host: set does nothing, get_or asks
//                        again()
//   prepare(f)           GPU: f(lane, ref) for the thread's packet, a chance to load early. Host: nothing
//   for_each(which, f)   f(lane, ref) for every packet of the thread among `which`. GPU: at most once, predicated
//   for_each_tile(which, f)  f(tile): a tile has for_each(f) and row_sum(). Plain partitions have one tile and never ask
//                        for row_sum; row partitions have one tile per row of the message
//   tile.row_sum(sum, alive, overlap)  replaces sum by the row's total, the same bits on every rank; every thread of
//                        the row must come, also those without a packet or whose wait gave up; false when some thread
//                        was not alive. overlap() is called, in every thread, where the parts of the sum travel and values
//                        are retained
//   tile.row_sum_and_largest(sum, largest, alive, overlap)  the same, and `largest` becomes the row's
//   tile.for_each_group(packets, f)  f(group) for each group of so many neighbours of the row, a power of two up to the
//                        epilogue's kGroupPackets. A group has for_each(f) and largest(value): of value over its packets.
//                        GPU: once, in every thread; every thread must ask for the largest
//   for_each_index(count, f)  f(i) for this thread's part of [0, count), spread over the whole grid
//   for_each_rank(n, f)  f(rank) by thread `rank` of the block; host: a loop
//   block(), blocks(), leader()  leader is one thread of the block
//   sync_block(), all_alive(alive)  block-wide barrier; the second also combines. Host: nothing
//
// Block b depends on blocks b of the peers only, except in a GPU's two-shot: there on the group of W consecutive blocks
// that b belongs to. Both follow from the same rule: a block's packets are, on all ranks, the packets of that block or
// group, so a partition must derive them from sizes alone.

/// Stand-ins with which the concepts below and those of epilogues and contributions are asked; never instantiated.
namespace archetypes {
struct LocalMemory {
  static constexpr bool kLateConstants = false;
  Packet load_local(std::uint64_t address);
  std::uint32_t load_word(std::uint64_t address);
  void store_local(std::uint64_t address, const Packet& packet);
  void prefetch(std::uint64_t address);
};
struct Retaining {
  template <class V>
  struct Retained {
    V value;
  };
};
struct Visitor {
  void operator()(int lane, const PacketRef& ref) const;
  void operator()(std::uint64_t index) const;
};
struct Tile {
  void for_each(const Visitor& visit) const;
  bool row_sum(float& sum, bool alive, const Visitor& overlap) const;
};
struct TileVisitor {
  template <class T>
  void operator()(const T& tile) const;
};
struct RankVisitor {
  void operator()(int rank) const;
};
}  // namespace archetypes

/// Blocks of threads, before anybody says which packets are whose.
template <class P>
concept BlockGrid = requires(const P& partition, const archetypes::Visitor& visit,
                             const archetypes::RankVisitor& rank) {
  { partition.block() } -> std::same_as<std::uint32_t>;
  { partition.blocks() } -> std::same_as<std::uint32_t>;
  { partition.leader() } -> std::same_as<bool>;
  partition.sync_block();
  { partition.all_alive(true) } -> std::same_as<bool>;
  partition.for_each_rank(2, rank);
  partition.for_each_index(std::uint64_t{1}, visit);
};

/// The whole of it. A partition that serves two-shots has for_each(RemoteShares{}, f) and for_each(LocalShare{}, f) too.
template <class P>
concept PacketPartition = BlockGrid<P> &&
    requires(const P& partition, const archetypes::Visitor& visit, const archetypes::TileVisitor& tile,
             typename P::template Retained<Packet>& retained) {
  retained.set(0, Packet{});
  partition.prepare(visit);
  partition.for_each_tile(AllShares{}, tile);
};

}  // namespace symmbench
