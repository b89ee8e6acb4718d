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

/// One packet in 64 is not sent.
template <>
struct FaultyOps<ProtocolFault::packet_lost> : HostOps {
  using HostOps::HostOps;
  template <class World>
  void send_to_all(const Targets<World>& targets, std::uint64_t slot_offset, const Packet& packet) {
    if (!is_lost(targets.offset)) HostOps::send_to_all(targets, slot_offset, packet);
  }
  void send(const Target& target, std::uint64_t slot_offset, const Packet& packet) {
    if (!is_lost(target.offset)) HostOps::send(target, slot_offset, packet);
  }

 private:
  static bool is_lost(std::uint64_t offset) { return offset % (64 * kPacketBytes) == 0; }
};

/// Every signal of a barrier looks as if it had come.
template <>
struct FaultyOps<ProtocolFault::barrier_skipped> : HostOps {
  using HostOps::HostOps;
  std::uint32_t observe(std::uint64_t) { return HostOps::load_state().barrier_generation + 2; }
};

}  // namespace symmbench
