#pragma once
#include "kernels/protocol/ops.hpp"
#include "kernels/protocol/partition.hpp"

namespace symmbench {

/// Where a wait stands, for the record that it leaves when it gives up.
struct WaitContext {
  WaitTag tag;
  std::int32_t rank;
  std::uint32_t slot;
  std::uint64_t packet;  ///< of the message
  std::uint64_t call;
};

/// The peer whose data never arrived, and the value polled last.
struct StalledPeer {
  std::int32_t peer;
  std::uint64_t expected, seen;
};

/// Tries until attempt() is true. False: this wait or another one of this rank gave up; the first left what find()
/// gave.
///
/// What is done between two tries is added to the time of every call: a miss counts, and no more.
template <MemoryOps Ops, class Attempt, class Find>
SYMMBENCH_FN bool wait_until(Ops& ops, const WaitContext& context, Attempt attempt, Find find) {
  typename Ops::SpinBudget budget{};
  bool done = false;
  for (std::uint32_t misses = 1;; ++misses) {
    done = attempt();
    if (done) break;
    if (misses % Ops::kPollsPerCheck != 0 || ops.check_deadline(budget)) continue;
    const StalledPeer missing = find();
    GiveUpRecord record{};
    record.tag = static_cast<std::uint32_t>(context.tag);
    record.rank = context.rank;
    record.peer = missing.peer;
    record.slot = context.slot;
    record.packet = context.packet;
    record.expected = missing.expected;
    record.seen = missing.seen;
    record.call = context.call;
    ops.give_up(record);
    break;
  }
  return ops.reconverge(done);
}

SYMMBENCH_FN StalledPeer stalled_packet(int peer, const Packet& packet) {
  return {peer, 0, packet.word[0] | static_cast<std::uint64_t>(packet.word[1]) << 32};
}

/// Waits until one packet has arrived in the own Lamport segment.
/// False: gave up; *packet is not to be used.
template <MemoryOps Ops>
SYMMBENCH_FN bool wait_packet(Ops& ops, std::uint64_t offset, int peer, const WaitContext& context, Packet& packet) {
  const auto source = ops.source(offset);
  const auto attempt = [&] {
    packet = ops.poll(source);
    return !has_sentinel(packet);
  };
  return wait_until(ops, context, attempt, [&] { return stalled_packet(peer, packet); });
}

/// Waits for one packet of each of the ranks first ... first + kChunk - 1 (below the world size, without the own).
/// All loads of a round are issued before the first is looked at: W - 1 packets cost one latency, not W - 1.
template <MemoryOps Ops, class World, class OffsetOf>
SYMMBENCH_FN bool wait_chunk(Ops& ops, World world, int first, const WaitContext& context, OffsetOf offset_of,
                             Packet (&packet)[World::kChunk]) {
  const auto wanted = [&](int i) { return first + i < world.size() && first + i != context.rank; };
  typename Ops::Source source[World::kChunk];
  SYMMBENCH_UNROLL
  for (int i = 0; i < World::kChunk; ++i) source[i] = ops.source(offset_of(first + i));
  const auto attempt = [&] {
    SYMMBENCH_UNROLL
    for (int i = 0; i < World::kChunk; ++i) {
      if (wanted(i)) packet[i] = ops.poll(source[i]);
    }
    bool complete = true;
    SYMMBENCH_UNROLL
    for (int i = 0; i < World::kChunk; ++i) {
      if (wanted(i) && has_sentinel(packet[i])) complete = false;
    }
    return complete;
  };
  const auto first_missing = [&] {
    StalledPeer missing{};
    SYMMBENCH_UNROLL
    for (int i = World::kChunk - 1; i >= 0; --i) {
      if (wanted(i) && has_sentinel(packet[i])) missing = stalled_packet(first + i, packet[i]);
    }
    return missing;
  };
  return wait_until(ops, context, attempt, first_missing);
}

/// Adds one rank's packet to the fp32 sum. Ranks come in order 0 ... W-1 everywhere, so all ranks get the same bits.
template <class T, class Ops>
SYMMBENCH_FN void accumulate(const Ops& ops, float (&sum)[kLanes<T>], const Packet& packet, bool first) {
  using Numbers = typename Ops::Numbers;
  float lanes[kLanes<T>];
  Numbers::template unpack<T>(packet, lanes);
  SYMMBENCH_UNROLL
  for (int i = 0; i < kLanes<T>; ++i) sum[i] = first ? lanes[i] : sum[i] + lanes[i];
  if constexpr (sizeof(T) < sizeof(float)) {
    if (ops.rounds_each_addition()) Numbers::template unpack<T>(Numbers::template pack<T>(sum), sum);
  }
}

/// The sum in rank order of load(rank), rounded to T: of packets that are there.
template <class T, class Ops, class World, class Load>
SYMMBENCH_FN Packet load_and_sum(const Ops& ops, World world, Load load) {
  float sum[kLanes<T>] = {};
  for (int first = 0; first < world.size(); first += World::kChunk) {
    Packet packet[World::kChunk] = {};
    SYMMBENCH_UNROLL
    for (int i = 0; i < World::kChunk; ++i) {
      if (first + i < world.size()) packet[i] = load(first + i);
    }
    SYMMBENCH_UNROLL
    for (int i = 0; i < World::kChunk; ++i) {
      if (first + i < world.size()) accumulate<T>(ops, sum, packet[i], first + i == 0);
    }
  }
  return Ops::Numbers::template pack<T>(sum);
}

/// Waits for the peers' packets at offset_of(rank), sums them with `own` in rank order, rounds to T.
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
        accumulate<T>(ops, sum, either(rank == context.rank, own, packet[i]), rank == 0);
      }
    }
  }
  result = Ops::Numbers::template pack<T>(sum);
  return true;
}

/// Phases that every Lamport protocol ends its push with. Clears, in own memory and while the packets fly, what the
/// previous call may have written: the regions that it recorded. Then takes the arrival ticket.
///
/// Why three slots and clear-previous are safe: call n sends only after call n-1 has completed on this rank, so the
/// clears of n-1, which were of slot (n-2) % 3 = (n+1) % 3, are done. A peer enters call n+1 only after it has received
/// this rank's data of call n, or a sum that has it. Hence slot (n+1) % 3 is clean when the first packet for it can
/// arrive. It needs a contribution of every rank in what every rank waits for, in every Lamport call.
template <class Message, MemoryOps Ops, BlockGrid Partition, class World, class View>
SYMMBENCH_FN typename Ops::Ticket clear_and_take_ticket(Ops& ops, const Partition& partition, World world,
                                                        const View& view, const CallState& state) {
  const std::uint64_t previous = (state.slot + kLamportSlots - 1) % kLamportSlots * view.slot_bytes;
  const std::uint64_t packets = state.dirty.packets;
  const auto clear = [&](std::uint64_t packet) { ops.clear(previous + packet * kPacketBytes); };
  if (ops.writes_own()) {
    partition.for_each_index(state.dirty.count * packets, clear);
  } else {
    // One loop over what is left without the own regions, so that every thread of the grid has its part.
    const typename Message::OthersOnly others(world.size(), view.rank, packets);
    const std::uint64_t live = (state.dirty.count - state.dirty.count / world.size()) * packets;
    partition.for_each_index(live, [&](std::uint64_t i) { clear(others(i)); });
  }
  partition.sync_block();  // the ticket says that all threads of the block have read the state
  typename Ops::Ticket ticket{};
  if (partition.leader()) ticket = ops.take_ticket(partition.blocks());
  return ticket;
}

/// Whether the calling thread is the one that advances the state. To be asked at the end: a ticket is on its way for as
/// long as a packet is.
template <MemoryOps Ops, BlockGrid Partition>
SYMMBENCH_FN bool is_last(Ops& ops, const Partition& partition, const typename Ops::Ticket& ticket) {
  return partition.leader() && ops.is_last(ticket, partition.blocks());
}

/// The state of the next call after a Lamport call that wrote `regions` in its slot.
SYMMBENCH_HD CallState after_lamport_call(CallState state, const Regions& regions) {
  state.slot = (state.slot + 1) % kLamportSlots;
  state.dirty = regions;
  ++state.calls;
  return state;
}

}  // namespace symmbench
