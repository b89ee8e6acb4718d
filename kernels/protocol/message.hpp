#pragma once
#include <concepts>
#include <cstdint>

#include "kernels/protocol/view.hpp"

namespace symmbench {

/// One packet of the message, as a Partition hands it out.
struct PacketRef {
  std::uint64_t packet;   ///< in the message
  std::uint64_t index;    ///< in its owner's share; two-shots of a MessageSpan only
  std::uint64_t column;   ///< in its row; partitions that know rows only
  int owner;              ///< two-shot only
  std::uint64_t row = 0;  ///< partitions that know rows, and TokenSpan
};

// The message of a call, as the protocols of a workspace cut it: who owns which packet in a two-shot, and where in a
// Lamport slot each rank's packets lie. A slot begins with regions of equal size, region i written by rank i % W, so
// that one rule tells which are the own ones. Places are packets from the start of the slot.
//
//   one_shot_place(world, rank, ref)  where rank's packet `ref` lies at every peer
//   reduce_place(world, rank, ref)    two-shot, first step: rank's contribution to a packet of the receiver's share
//   gather_place(world, ref)          second step: the owner's sum
//   one_shot_regions(world), two_shot_regions(world)  what such a call writes in a slot
//   OthersOnly(world_size, rank, packets_of_region)(i)  the i-th packet of a slot that is not in an own region; a loop
//                                     over these leaves no thread of the grid without work

/// By shares: a region per rank and step. W shares of whole packets, the last ones may have fewer.
struct MessageSpan {
  std::uint64_t packets;  ///< N
  std::uint64_t share;    ///< ceil(N / world size)

  template <class World>
  SYMMBENCH_HD std::uint64_t one_shot_place(World, int rank, const PacketRef& ref) const {
    return rank * packets + ref.packet;
  }
  template <class World>
  SYMMBENCH_HD std::uint64_t reduce_place(World, int rank, const PacketRef& ref) const {
    return rank * share + ref.index;
  }
  template <class World>
  SYMMBENCH_HD std::uint64_t gather_place(World world, const PacketRef& ref) const {
    return (world.size() + ref.owner) * share + ref.index;
  }
  template <class World>
  SYMMBENCH_HD Regions one_shot_regions(World world) const {
    return {static_cast<std::uint32_t>(world.size()), static_cast<std::uint32_t>(packets)};
  }
  template <class World>
  SYMMBENCH_HD Regions two_shot_regions(World world) const {
    return {static_cast<std::uint32_t>(2 * world.size()), static_cast<std::uint32_t>(share)};
  }

  /// Of two own regions at most.
  struct OthersOnly {
    std::uint64_t packets, first_own, second_own;
    SYMMBENCH_HD OthersOnly(int world_size, int rank, std::uint64_t packets_of_region)
        : packets(packets_of_region),
          first_own(rank * packets_of_region),
          second_own(first_own + (world_size - 1) * packets_of_region) {}
    SYMMBENCH_HD std::uint64_t operator()(std::uint64_t i) const {
      return i + (i >= first_own ? packets : 0) + (i >= second_own ? packets : 0);
    }
  };
};
SYMMBENCH_HD MessageSpan message_of(std::uint64_t packets, int world_size) {
  return {packets, (packets + world_size - 1) / world_size};
}

/// By tokens: token t is a row of row_packets, owned by rank t % W. In a slot a region is one row of one rank; the W rows
/// of a token lie side by side, in a two-shot's first step the W contributions to a row of the owner.
struct TokenSpan {
  std::uint64_t packets;      ///< N
  std::uint64_t row_packets;  ///< of a token
  std::uint64_t rows;         ///< tokens
  std::uint64_t padded_rows;  ///< a multiple of the world size

  template <class World>
  SYMMBENCH_HD std::uint64_t one_shot_place(World world, int rank, const PacketRef& ref) const {
    return (ref.row * world.size() + rank) * row_packets + ref.column;
  }
  template <class World>
  SYMMBENCH_HD std::uint64_t reduce_place(World, int rank, const PacketRef& ref) const {
    return (ref.row - ref.owner + rank) * row_packets + ref.column;
  }
  template <class World>
  SYMMBENCH_HD std::uint64_t gather_place(World, const PacketRef& ref) const {
    return (padded_rows + ref.row) * row_packets + ref.column;
  }
  template <class World>
  SYMMBENCH_HD Regions one_shot_regions(World world) const {
    return {static_cast<std::uint32_t>(rows * world.size()), static_cast<std::uint32_t>(row_packets)};
  }
  template <class World>
  SYMMBENCH_HD Regions two_shot_regions(World) const {
    return {static_cast<std::uint32_t>(2 * padded_rows), static_cast<std::uint32_t>(row_packets)};
  }

  /// Of an own region in every W. Counted in 32 bits, as Regions are.
  struct OthersOnly {
    std::uint32_t packets, others, own;
    SYMMBENCH_HD OthersOnly(int world_size, int rank, std::uint64_t packets_of_region)
        : packets(static_cast<std::uint32_t>(packets_of_region)),
          others((world_size - 1) * packets),
          own(rank * packets) {}
    SYMMBENCH_HD std::uint64_t operator()(std::uint64_t i) const {
      const std::uint32_t round = static_cast<std::uint32_t>(i) / others;
      const std::uint32_t rest = static_cast<std::uint32_t>(i) - round * others;
      return i + std::uint64_t{round} * packets + (rest >= own ? packets : 0);
    }
  };
};
SYMMBENCH_HD TokenSpan tokens_of(std::uint64_t packets, std::uint64_t row_packets, int world_size) {
  const std::uint64_t rows = packets / row_packets;
  return {packets, row_packets, rows, (rows + world_size - 1) / world_size * world_size};
}

}  // namespace symmbench
