#pragma once
#include <algorithm>
#include <cstdint>

#include "stats/bandwidth.hpp"

namespace symmbench {

/// What a group's links and launches were measured to do at best.
struct Floors {
  double empty_kernel_us = 0;  ///< a kernel that does nothing, in a graph
  double flag_barrier_us = 0;  ///< a kernel in which all ranks meet, in a graph
  double hop_us = 0;           ///< a packet from one rank to another: half of a round trip
  double peer_write_gbs = 0;   ///< what one rank sends while all send to all, each block to one peer
  double peer_read_gbs = 0;
};

/// The time below which no allreduce of `message_bytes` (S) on n ranks can be, as far as was measured, in us. Whatever
/// the algorithm, a rank must hear from every other before it can end (flag_barrier_us, which holds the kernel itself
/// and one hop), and its bytes must leave it at peer_write_gbs. There are two ways to send the fewest: all at once,
/// (n-1) S, or in two dependent steps, 2 (n-1)/n S, the least that any algorithm without multicast can do, at the price
/// of one more hop_us. The limit is the smaller of the two.
///
/// Left out: local memory, and what a fused pattern computes; its rows are held against the same figure.
/// @pre n is at least 2, peer_write_gbs above 0
constexpr double allreduce_limit_us(const Floors& floors, std::uint64_t message_bytes, int world_size) {
  const double bytes = static_cast<double>(message_bytes), ranks = world_size;
  const auto wire_us = [&](double sent) { return sent / (floors.peer_write_gbs * kBytesPerGB) * 1e6; };
  const double one_step = wire_us((ranks - 1) * bytes);
  const double two_steps = floors.hop_us + wire_us(2 * (ranks - 1) / ranks * bytes);
  return floors.flag_barrier_us + std::min(one_step, two_steps);
}

}  // namespace symmbench
