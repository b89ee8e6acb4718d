#pragma once
#include "kernels/protocol/ops.hpp"

namespace symmbench {

/// Where a wait stands, for the record that it leaves when it gives up.
struct WaitContext {
  WaitTag tag;
  std::int32_t rank;
  std::uint32_t slot;
  std::uint64_t packet;  ///< of the message
  std::uint64_t call;
};

template <MemoryOps Ops>
SYMMBENCH_FN bool wait_again(Ops& ops, typename Ops::Patience& patience, const WaitContext& context, int peer,
                             std::uint64_t expected, std::uint64_t seen) {
  const Waiting waiting = ops.keep_waiting(patience);
  if (waiting == Waiting::again) return true;
  if (waiting == Waiting::expired) {
    GiveUpRecord record{};
    record.tag = static_cast<std::uint32_t>(context.tag);
    record.rank = context.rank;
    record.peer = peer;
    record.slot = context.slot;
    record.packet = context.packet;
    record.expected = expected;
    record.seen = seen;
    record.call = context.call;
    ops.give_up(record);
  }
  return false;
}

/// Waits until one packet has arrived in the own Lamport segment.
/// False: gave up; *packet is not to be used.
template <MemoryOps Ops>
SYMMBENCH_FN bool wait_packet(Ops& ops, std::uint64_t offset, int peer, const WaitContext& context, Packet& packet) {
  typename Ops::Patience patience{};
  const auto source = ops.source(offset);
  for (;;) {
    packet = ops.poll(source);
    if (!has_sentinel(packet)) return true;
    const std::uint64_t seen = packet.word[0] | static_cast<std::uint64_t>(packet.word[1]) << 32;
    if (!wait_again(ops, patience, context, peer, 0, seen)) return false;
  }
}

/// Waits for one packet of each of the ranks first ... first + kChunk - 1 (below the world size, without the own).
/// All loads of a round are issued before the first is looked at: W - 1 packets cost one latency, not W - 1.
template <MemoryOps Ops, class World, class OffsetOf>
SYMMBENCH_FN bool wait_chunk(Ops& ops, World world, int first, const WaitContext& context, OffsetOf offset_of,
                             Packet (&packet)[World::kChunk]) {
  typename Ops::Patience patience{};
  const auto wanted = [&](int i) { return first + i < world.size() && first + i != context.rank; };
  typename Ops::Source source[World::kChunk];
  SYMMBENCH_UNROLL
  for (int i = 0; i < World::kChunk; ++i) source[i] = ops.source(offset_of(first + i));
  for (;;) {
    SYMMBENCH_UNROLL
    for (int i = 0; i < World::kChunk; ++i) {
      if (wanted(i)) packet[i] = ops.poll(source[i]);
    }
    int missing = -1;
    std::uint64_t seen = 0;
    SYMMBENCH_UNROLL
    for (int i = World::kChunk - 1; i >= 0; --i) {
      if (wanted(i) && has_sentinel(packet[i])) {
        missing = first + i;
        seen = packet[i].word[0] | static_cast<std::uint64_t>(packet[i].word[1]) << 32;
      }
    }
    if (missing < 0) return true;
    if (!wait_again(ops, patience, context, missing, 0, seen)) return false;
  }
}

/// Adds one rank's packet to the fp32 sum. Ranks come in order 0 ... W-1 everywhere, so all ranks get the same bits.
template <class T, class Numbers>
SYMMBENCH_FN void accumulate(float (&sum)[kLanes<T>], const Packet& packet, bool first) {
  float lanes[kLanes<T>];
  Numbers::template unpack<T>(packet, lanes);
  SYMMBENCH_UNROLL
  for (int i = 0; i < kLanes<T>; ++i) sum[i] = first ? lanes[i] : sum[i] + lanes[i];
}

/// Waits for the peers' packets at offset_of(rank), sums them with `own` in rank order, rounds once to T.
template <class T, MemoryOps Ops, class World, class OffsetOf>
SYMMBENCH_FN bool wait_and_sum(Ops& ops, World world, const WaitContext& context, const Packet& own, OffsetOf offset_of,
                               Packet& result) {
  float sum[kLanes<T>] = {};
  for (int first = 0; first < world.size(); first += World::kChunk) {
    Packet packet[World::kChunk] = {};
    if (!wait_chunk(ops, world, first, context, offset_of, packet)) return false;
    SYMMBENCH_UNROLL
    for (int i = 0; i < World::kChunk; ++i) {
      const int rank = first + i;
      if (rank < world.size()) {
        accumulate<T, typename Ops::Numbers>(sum, either(rank == context.rank, own, packet[i]), rank == 0);
      }
    }
  }
  result = Ops::Numbers::template pack<T>(sum);
  return true;
}

/// Phases that every Lamport protocol ends its push with. Clears, in own memory and while the packets fly, what the
/// previous call may have written: the prefix of its slot that it recorded. Then takes the arrival ticket.
///
/// Why three slots and clear-previous are safe (KP 7, FI 10.1): call n sends only after call n-1 has completed on this
/// rank, so the clears of n-1, which were of slot (n-2) % 3 = (n+1) % 3, are done. A peer enters call n+1 only after it
/// has received this rank's data of call n. Hence slot (n+1) % 3 is clean when the first packet for it can arrive. It
/// needs every rank to receive something from every rank in every Lamport call.
template <MemoryOps Ops, class Work>
SYMMBENCH_FN typename Ops::Ticket clear_and_take_ticket(Ops& ops, const Work& work, const CallState& state,
                                                       std::uint64_t slot_bytes) {
  const std::uint64_t previous = (state.slot + kLamportSlots - 1) % kLamportSlots * slot_bytes;
  work.for_each_index(state.dirty_packets, [&](std::uint64_t i) { ops.clear(previous + i * kPacketBytes); });
  work.sync_block();  // the ticket says that all threads of the block have read the state
  typename Ops::Ticket ticket{};
  if (work.leader()) ticket = ops.take_ticket(work.blocks());
  return ticket;
}

/// Whether the calling thread is the one that advances the state. To be asked at the end: a ticket is on its way for as
/// long as a packet is.
template <MemoryOps Ops, class Work>
SYMMBENCH_FN bool is_last(Ops& ops, const Work& work, const typename Ops::Ticket& ticket) {
  return work.leader() && ops.is_last(ticket, work.blocks());
}

/// The state of the next call after a Lamport call that may have written the first `dirty_packets` of its slot.
SYMMBENCH_HD CallState after_lamport_call(CallState state, std::uint64_t dirty_packets) {
  state.slot = (state.slot + 1) % kLamportSlots;
  state.dirty_packets = dirty_packets;
  ++state.calls;
  return state;
}

}  // namespace symmbench
