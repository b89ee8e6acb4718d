#pragma once
#include <concepts>

#include "kernels/protocol/ops.hpp"
#include "kernels/protocol/partition.hpp"

namespace symmbench {

/// What a rank adds to the sum, packet by packet. A protocol calls prefetch before the wait for the previous kernel and
/// load after it, at most twice for a packet, always with the same result. load returns the packet as it is: a protocol
/// that sends Lamport packets replaces the sentinel itself.
template <class C>
concept PacketContribution = requires(const C& contribution, archetypes::LocalMemory& ops, const PacketRef& ref) {
  contribution.prefetch(ops, ref);
  { contribution.load(ops, ref) } -> std::same_as<Packet>;
};

/// The rank's input, as it lies in memory.
struct LoadInput {
  std::uint64_t input;  ///< address

  template <class Ops>
  SYMMBENCH_FN void prefetch(Ops& ops, const PacketRef& ref) const {
    ops.prefetch(input + ref.packet * kPacketBytes);
  }
  template <class Ops>
  SYMMBENCH_FN Packet load(Ops& ops, const PacketRef& ref) const {
    return ops.load_local(input + ref.packet * kPacketBytes);
  }
};
static_assert(PacketContribution<LoadInput>);

}  // namespace symmbench
