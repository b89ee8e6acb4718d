#pragma once
#include "catalog/protocol_faults.hpp"
#include "kernels/host/host_ops.hpp"

namespace symmbench {

/// HostOps of a rank whose protocol is broken: each rule that keeps Lamport packets and barriers right is left out once.
/// A new fault is a value of ProtocolFault, a specialisation here and a row of the fault table.
template <ProtocolFault>
struct FaultyOps;

/// The previous slot keeps its packets, which are taken for new ones when it is used again.
template <>
struct FaultyOps<ProtocolFault::skipped_clear> : HostOps {
  using HostOps::HostOps;
  void clear(std::uint64_t) {}
};

/// A payload equal to the sentinel is sent as it is; its receiver waits for it.
template <>
struct FaultyOps<ProtocolFault::skipped_sanitiser> : HostOps {
  using HostOps::HostOps;
  static Packet sanitise(const Packet& packet) { return packet; }
};

/// Every call works on slot 0.
template <>
struct FaultyOps<ProtocolFault::one_slot> : HostOps {
  using HostOps::HostOps;
  CallState load_state() {
    CallState state = HostOps::load_state();
    state.slot = 0;
    return state;
  }
};

/// Half of what a call wrote is forgotten, so that the next one leaves it uncleared.
template <>
struct FaultyOps<ProtocolFault::half_clear> : HostOps {
  using HostOps::HostOps;
  void advance(CallState next) {
    next.dirty.packets /= 2;
    HostOps::advance(next);
  }
};

/// One Lamport packet in 64, by its place in the slot, is tampered with: `Tamper::send(send_one, place, offset, slot, packet)`
/// stands for `send_one(offset, slot, packet)`, with which an unbroken rank sends it; `place` is 0 ... 63.
template <class Tamper>
struct TamperedPackets : HostOps {
  using HostOps::HostOps;
  template <class World>
  void send_to_all(const Targets<World>& targets, std::uint64_t slot_offset, const Packet& packet) {
    const auto send_one = [&](std::uint64_t offset, std::uint64_t slot, const Packet& sent) {
      HostOps::send_to_all(Targets<World>{targets.world, offset}, slot, sent);
    };
    Tamper::send(send_one, targets.offset / kPacketBytes % 64, targets.offset, slot_offset, packet);
  }
  void send(const Target& target, std::uint64_t slot_offset, const Packet& packet) {
    const auto send_one = [&](std::uint64_t offset, std::uint64_t slot, const Packet& sent) {
      HostOps::send(Target{target.rank, offset}, slot, sent);
    };
    Tamper::send(send_one, target.offset / kPacketBytes % 64, target.offset, slot_offset, packet);
  }
};

/// It is not sent.
struct LosePacket {
  template <class SendOne>
  static void send(const SendOne& send_one, std::uint64_t place, std::uint64_t offset, std::uint64_t slot,
                   const Packet& packet) {
    if (place != 0) send_one(offset, slot, packet);
  }
};
template <>
struct FaultyOps<ProtocolFault::packet_lost> : TamperedPackets<LosePacket> {
  using TamperedPackets::TamperedPackets;
};

/// What was sent at such a place before comes once more, in place of the new one.
struct RepeatPacket {
  template <class SendOne>
  static void send(const SendOne& send_one, std::uint64_t place, std::uint64_t offset, std::uint64_t slot,
                   const Packet& packet) {
    thread_local Packet before{};
    if (place != 0) return send_one(offset, slot, packet);
    send_one(offset, slot, before);
    before = packet;
  }
};
template <>
struct FaultyOps<ProtocolFault::packet_stale> : TamperedPackets<RepeatPacket> {
  using TamperedPackets::TamperedPackets;
};

/// It comes a second time in place of its neighbour.
struct DoublePacket {
  template <class SendOne>
  static void send(const SendOne& send_one, std::uint64_t place, std::uint64_t offset, std::uint64_t slot,
                   const Packet& packet) {
    if (place == 0) send_one(offset + kPacketBytes, slot, packet);
    if (place != 1) send_one(offset, slot, packet);
  }
};
template <>
struct FaultyOps<ProtocolFault::packet_doubled> : TamperedPackets<DoublePacket> {
  using TamperedPackets::TamperedPackets;
};

/// One bit of it is another: in bf16, half of an exponent.
struct FlipBit {
  template <class SendOne>
  static void send(const SendOne& send_one, std::uint64_t place, std::uint64_t offset, std::uint64_t slot,
                   Packet packet) {
    if (place == 0) packet.word[0] ^= 0x4000u;
    send_one(offset, slot, packet);
  }
};
template <>
struct FaultyOps<ProtocolFault::packet_flipped> : TamperedPackets<FlipBit> {
  using TamperedPackets::TamperedPackets;
};

/// The slot of the running call is cleared in place of the one before it.
template <>
struct FaultyOps<ProtocolFault::wrong_clear> : HostOps {
  using HostOps::HostOps;
  void clear(std::uint64_t offset) {
    const std::uint64_t slots = 3 * view_.slot_bytes;
    HostOps::clear((offset + view_.slot_bytes) % slots);
  }
};

/// What the rank signals in a barrier does not come to the next rank.
template <>
struct FaultyOps<ProtocolFault::signal_lost> : HostOps {
  using HostOps::HostOps;
  void signal(int rank, std::uint64_t offset, std::uint32_t value) {
    if (rank != (view_.rank + 1) % view_.world_size) HostOps::signal(rank, offset, value);
  }
};

/// Every signal of a barrier looks as if it had come.
template <>
struct FaultyOps<ProtocolFault::barrier_skipped> : HostOps {
  using HostOps::HostOps;
  std::uint32_t observe(std::uint64_t) { return HostOps::load_state().barrier_generation + 2; }
};

/// What has not arrived is taken for zeros.
template <>
struct FaultyOps<ProtocolFault::sentinel_as_data> : HostOps {
  using HostOps::HostOps;
  Packet poll(std::uint64_t offset) { return sanitised(HostOps::poll(offset)); }
};

/// The rotation is off by one: every call works on the slot that the peers use in their next.
template <>
struct FaultyOps<ProtocolFault::wrong_slot> : HostOps {
  using HostOps::HostOps;
  CallState load_state() {
    CallState state = HostOps::load_state();
    state.slot = (state.slot + 1) % kLamportSlots;
    return state;
  }
  void advance(CallState next) {
    next.slot = (next.slot + kLamportSlots - 1) % kLamportSlots;
    HostOps::advance(next);
  }
};

}  // namespace symmbench
