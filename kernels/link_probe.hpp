#pragma once
#include <cstdint>

#include "device/stream.hpp"
#include "kernels/protocol/view.hpp"

namespace symmbench {

/// What one exchange of packets with a peer tells of its clock, in nanoseconds. Device memory layout, one per rank.
struct ClockReading {
  std::int64_t offset_ns = 0;       ///< peer's clock minus own, from the exchange with the shortest round trip
  std::uint64_t round_trip_ns = 0;  ///< of that exchange: half of it bounds the error of offset_ns
  std::uint64_t at_ns = 0;          ///< when it began, own clock
};

/// Kernels that compute nothing: what the device and its links can do at best, and when things happen. They use
/// `segment` only, whose contents nobody relies on between calls; of the control block they read the abort word. All calls
/// are asynchronous; waits are bounded like those of KernelSet.
///
/// "Prepared" means: every rank's segment holds kSentinel in its first `bytes`, and all ranks have met since.
class LinkProbe {
 public:
  static constexpr std::uint64_t kBlockBytes = 8192;  ///< what one block of write_peers() or read_peers() moves

  virtual ~LinkProbe() = default;

  /// One warp that does nothing, under programmatic dependent launch as the collectives are.
  virtual void empty(Stream& stream) = 0;

  /// The least that can make all ranks meet: one packet from each to each, no order for other memory. Collective, with
  /// `row` 0 and 1 in turns. Prepared: flag_barrier_bytes(); they are so again after an even number of calls.
  virtual void flag_barrier(Stream& stream, const RankView& view, const SegmentView& segment, std::uint32_t row) = 0;
  static std::uint64_t flag_barrier_bytes(int world_size) { return 2 * kPacketBytes * world_size; }

  /// Stores kBlockBytes x blocks_per_peer into the segment of every peer, each block to one of them: the links
  /// are busiest so.
  virtual void write_peers(Stream& stream, const RankView& view, const SegmentView& segment,
                           std::uint32_t blocks_per_peer) = 0;
  /// The same with loads. `sink`: 4 bytes of own memory, so that the loads have a use.
  virtual void read_peers(Stream& stream, const RankView& view, const SegmentView& segment,
                          std::uint32_t blocks_per_peer, DevicePtr sink) = 0;

  /// Rank 0 of the group sends each peer a packet and gets its clock back, `rounds` times; collective. On rank 0,
  /// to[peer] is then known for all peers. Prepared: ping_bytes().
  virtual void ping(Stream& stream, const RankView& view, const SegmentView& segment, std::uint32_t rounds,
                    DevicePtr to) = 0;
  static std::uint64_t ping_bytes(int world_size, std::uint32_t rounds) { return rounds * kPacketBytes * world_size; }

  /// Writes the device's clock (64 bits, ns) to `to` when the stream gets there.
  virtual void stamp(Stream& stream, DevicePtr to) = 0;
};

}  // namespace symmbench
