#pragma once
#include <compare>
#include <map>
#include <mutex>
#include <utility>

#include "catalog/protocol_faults.hpp"
#include "kernels/host/host_ops.hpp"

namespace symmbench {

/// HostOps whose steps can be done wrongly. They are chosen at run time, so that all faults share the kernels: a broken rank
/// need not be fast, and kernels are what takes long to compile.
struct BreakableOps : HostOps {
  using PeerTargets = Targets<AnyWorld>;  ///< a virtual function has no template parameters

  using HostOps::HostOps;
  virtual ~BreakableOps() = default;

  virtual CallState load_state() { return HostOps::load_state(); }
  virtual void advance(CallState next) { HostOps::advance(next); }
  virtual void send(const Target& target, std::uint64_t slot_offset, const Packet& packet) {
    HostOps::send(target, slot_offset, packet);
  }
  virtual void send_to_peers(const PeerTargets& targets, std::uint64_t slot_offset, const Packet& packet) {
    HostOps::send_to_all(targets, slot_offset, packet);
  }
  template <class World>
  void send_to_all(const Targets<World>& targets, std::uint64_t slot_offset, const Packet& packet) {
    send_to_peers(PeerTargets{{targets.world.size()}, targets.offset}, slot_offset, packet);
  }
  virtual Packet poll(std::uint64_t offset) { return HostOps::poll(offset); }
  virtual void clear(std::uint64_t offset) { HostOps::clear(offset); }
  virtual Packet sanitise(const Packet& packet) { return HostOps::sanitise(packet); }
  virtual void signal(int rank, std::uint64_t offset, std::uint32_t value) { HostOps::signal(rank, offset, value); }
  virtual std::uint32_t observe(std::uint64_t offset) { return HostOps::observe(offset); }
};

static_assert(MemoryOps<BreakableOps>);

/// BreakableOps of a rank whose protocol is broken: each rule that keeps Lamport packets and barriers right is left out
/// once. A new fault is a value of ProtocolFault, a specialisation here and a row of the fault table.
template <ProtocolFault>
struct FaultyOps;

/// The previous slot keeps its packets, which are taken for new ones when it is used again.
template <>
struct FaultyOps<ProtocolFault::skipped_clear> : BreakableOps {
  using BreakableOps::BreakableOps;
  void clear(std::uint64_t) override {}
};

/// A payload equal to the sentinel is sent as it is; its receiver waits for it.
template <>
struct FaultyOps<ProtocolFault::skipped_sanitiser> : BreakableOps {
  using BreakableOps::BreakableOps;
  Packet sanitise(const Packet& packet) override { return packet; }
};

/// Every call works on slot 0.
template <>
struct FaultyOps<ProtocolFault::one_slot> : BreakableOps {
  using BreakableOps::BreakableOps;
  CallState load_state() override {
    CallState state = HostOps::load_state();
    state.slot = 0;
    return state;
  }
};

/// Half of what a call wrote is forgotten, so that the next one leaves it uncleared.
template <>
struct FaultyOps<ProtocolFault::half_clear> : BreakableOps {
  using BreakableOps::BreakableOps;
  void advance(CallState next) override {
    next.dirty.packets /= 2;
    HostOps::advance(next);
  }
};

/// Where a packet goes, whatever the call.
struct PacketPlace {
  DevicePtr control;     ///< of the sender's workspace
  int rank;              ///< that it goes to; -1: to all
  std::uint64_t offset;  ///< in the slot
  bool tampered() const { return in_64() == 0; }
  std::uint64_t in_64() const { return offset / kPacketBytes % 64; }
  auto operator<=>(const PacketPlace&) const = default;
};

/// One Lamport packet in 64, by its place, is tampered with: `Tamper::send(send_one, place, slot_offset, packet)` stands for
/// `send_one(place.offset, slot_offset, packet)`, with which an unbroken rank sends it.
template <class Tamper>
struct TamperedPackets : BreakableOps {
  using BreakableOps::BreakableOps;
  void send_to_peers(const PeerTargets& targets, std::uint64_t slot_offset, const Packet& packet) override {
    const auto send_one = [&](std::uint64_t offset, std::uint64_t slot, const Packet& sent) {
      HostOps::send_to_all(PeerTargets{targets.world, offset}, slot, sent);
    };
    Tamper::send(send_one, PacketPlace{view_.control, -1, targets.offset}, slot_offset, packet);
  }
  void send(const Target& target, std::uint64_t slot_offset, const Packet& packet) override {
    const auto send_one = [&](std::uint64_t offset, std::uint64_t slot, const Packet& sent) {
      HostOps::send(Target{target.rank, offset}, slot, sent);
    };
    Tamper::send(send_one, PacketPlace{view_.control, target.rank, target.offset}, slot_offset, packet);
  }
};

/// It is not sent.
struct LosePacket {
  template <class SendOne>
  static void send(const SendOne& send_one, const PacketPlace& place, std::uint64_t slot, const Packet& packet) {
    if (!place.tampered()) send_one(place.offset, slot, packet);
  }
};
template <>
struct FaultyOps<ProtocolFault::packet_lost> : TamperedPackets<LosePacket> {
  using TamperedPackets::TamperedPackets;
};

/// What the call before sent there comes once more, in place of the new one; there is nothing to repeat in the first call.
struct RepeatPacket {
  template <class SendOne>
  static void send(const SendOne& send_one, const PacketPlace& place, std::uint64_t slot, const Packet& packet) {
    if (!place.tampered()) return send_one(place.offset, slot, packet);
    send_one(place.offset, slot, exchange(place, packet));
  }
  /// Keeps `packet`, and gives what was kept of the place before. One store for all blocks: another may have the place next.
  static Packet exchange(const PacketPlace& place, const Packet& packet) {
    static std::mutex mutex;
    static std::map<PacketPlace, Packet> kept;
    const std::lock_guard lock(mutex);
    const auto [entry, first] = kept.try_emplace(place, packet);
    return first ? packet : std::exchange(entry->second, packet);
  }
};
template <>
struct FaultyOps<ProtocolFault::packet_stale> : TamperedPackets<RepeatPacket> {
  using TamperedPackets::TamperedPackets;
};

/// It comes a second time in place of its neighbour.
struct DoublePacket {
  template <class SendOne>
  static void send(const SendOne& send_one, const PacketPlace& place, std::uint64_t slot, const Packet& packet) {
    if (place.in_64() == 0) send_one(place.offset + kPacketBytes, slot, packet);
    if (place.in_64() != 1) send_one(place.offset, slot, packet);
  }
};
template <>
struct FaultyOps<ProtocolFault::packet_doubled> : TamperedPackets<DoublePacket> {
  using TamperedPackets::TamperedPackets;
};

/// One bit of it is another: in bf16, half of an exponent.
struct FlipBit {
  template <class SendOne>
  static void send(const SendOne& send_one, const PacketPlace& place, std::uint64_t slot, Packet packet) {
    if (place.tampered()) packet.word[0] ^= 0x4000u;
    send_one(place.offset, slot, packet);
  }
};
template <>
struct FaultyOps<ProtocolFault::packet_flipped> : TamperedPackets<FlipBit> {
  using TamperedPackets::TamperedPackets;
};

/// The slot of the running call is cleared in place of the one before it.
template <>
struct FaultyOps<ProtocolFault::wrong_clear> : BreakableOps {
  using BreakableOps::BreakableOps;
  void clear(std::uint64_t offset) override {
    const std::uint64_t slots = 3 * view_.slot_bytes;
    HostOps::clear((offset + view_.slot_bytes) % slots);
  }
};

/// What the rank signals in a barrier does not come to the next rank.
template <>
struct FaultyOps<ProtocolFault::signal_lost> : BreakableOps {
  using BreakableOps::BreakableOps;
  void signal(int rank, std::uint64_t offset, std::uint32_t value) override {
    if (rank != (view_.rank + 1) % view_.world_size) HostOps::signal(rank, offset, value);
  }
};

/// Every signal of a barrier looks as if it had come.
template <>
struct FaultyOps<ProtocolFault::barrier_skipped> : BreakableOps {
  using BreakableOps::BreakableOps;
  std::uint32_t observe(std::uint64_t) override { return HostOps::load_state().barrier_generation + 2; }
};

/// What has not arrived is taken for zeros.
template <>
struct FaultyOps<ProtocolFault::sentinel_as_data> : BreakableOps {
  using BreakableOps::BreakableOps;
  Packet poll(std::uint64_t offset) override { return sanitised(HostOps::poll(offset)); }
};

/// The rotation is off by one: every call works on the slot that the peers use in their next.
template <>
struct FaultyOps<ProtocolFault::wrong_slot> : BreakableOps {
  using BreakableOps::BreakableOps;
  CallState load_state() override {
    CallState state = HostOps::load_state();
    state.slot = (state.slot + 1) % kLamportSlots;
    return state;
  }
  void advance(CallState next) override {
    next.slot = (next.slot + kLamportSlots - 1) % kLamportSlots;
    HostOps::advance(next);
  }
};

}  // namespace symmbench
