#pragma once
#include "kernels/protocol/barrier.hpp"
#include "kernels/protocol/contribution.hpp"
#include "kernels/protocol/epilogue.hpp"
#include "kernels/protocol/trtllm_layout.hpp"

namespace symmbench {

// One-shot allreduces of plain packets over a trtllm workspace: a barrier of flags says that they are there. Steps: 1.
// View: a RankView that knows comm_bytes(). Block b reads what the blocks b of its peers wrote.

/// Begins a call: false where another wait has given up.
template <MemoryOps Ops, BlockGrid Partition, class View>
SYMMBENCH_FN bool begin_flag_call(Ops& ops, const Partition& partition, const View& view, CallState& state,
                                  FlagCall& call) {
  ops.grid_dependency_wait();
  state = ops.load_state();
  call = flag_call(view.world_size, partition.block(), state.barrier_generation + 1, view.comm_bytes());
  return state.abort == 0;
}

/// What each block has stored is with the peers' same-numbered blocks after it. False: gave up. Takes the ticket of a call.
template <MemoryOps Ops, BlockGrid Partition>
SYMMBENCH_FN bool first_barrier(Ops& ops, const Partition& partition, const RankView& view, const CallState& state,
                                const FlagCall& call, typename Ops::Ticket& ticket) {
  partition.sync_block();  // the ticket says that all threads of the block have read the state
  if (partition.leader()) ticket = ops.take_ticket(partition.blocks());
  return barrier_at_row(ops, partition, view, state, call.flag, call.in_row);
}

template <MemoryOps Ops, BlockGrid Partition>
SYMMBENCH_FN void end_flag_call(Ops& ops, const Partition& partition, const CallState& state,
                                const typename Ops::Ticket& ticket) {
  if (!is_last(ops, partition, ticket)) return;
  CallState next = state;
  ++next.barrier_generation;
  ++next.calls;
  ops.advance(next);
}

/// Hands the sums of all packets of the partition to the epilogue.
template <PacketPartition Partition, class Ops, class Row, PacketEpilogue Epilogue, class SumOf>
SYMMBENCH_FN void take_sums(Ops& ops, const Partition& partition, Row& row, const Epilogue& epilogue, SumOf sum_of) {
  static_assert(!Epilogue::kRows, "patterns of rows are for Lamport packets here");
  partition.for_each_tile(AllShares{}, [&](const auto& tile) {
    epilogue.begin(row);
    tile.for_each([&](auto lane, const PacketRef& ref) { epilogue.take(ops, row, lane, ref, sum_of(ref)); });
    epilogue.finish(ops, row, tile, true);
  });
}

/// Push: every rank stores its message to all peers, in the part of their comm buffer that is its own by rank, and sums
/// what lies in its own buffer. The own message stays where it is. Bytes on the wire per rank: (W-1) * message.
template <class T, MemoryOps Ops, class World, PacketPartition Partition, class View, PacketContribution Contribution,
          class Message, PacketEpilogue Epilogue>
SYMMBENCH_FN void one_shot_push(Ops& ops, const Partition& partition, World world, const View& view,
                                const Contribution& contribution, const Message& message, const Epilogue& epilogue) {
  const int me = view.rank;
  typename Epilogue::template Row<Partition> row;
  CallState state{};
  FlagCall call{};
  if (!begin_flag_call(ops, partition, view, state, call)) return;
  const auto place = [&](int rank, const PacketRef& ref) {
    return call.buffer + message.one_shot_place(world, rank, ref) * kPacketBytes;
  };
  partition.for_each(AllShares{}, [&](auto, const PacketRef& ref) {
    const Packet input = contribution.load(ops, ref);
    for (int step = 0; step < world.size() - 1; ++step) {
      ops.store_comm(peer_after(world, me, step), place(me, ref), input);
    }
  });
  ops.launch_dependents();
  typename Ops::Ticket ticket{};
  if (!first_barrier(ops, partition, view, state, call, ticket)) return;
  take_sums(ops, partition, row, epilogue, [&](const PacketRef& ref) {
    const auto load = [&](int rank) {
      return rank == me ? contribution.load(ops, ref) : ops.load_comm(me, place(rank, ref));
    };
    return load_and_sum<T>(ops, world, load);
  });
  end_flag_call(ops, partition, state, ticket);
}

/// Pull: every rank puts its message into its own comm buffer, and sums what it reads from all. Bytes read from peers per
/// rank: (W-1) * message.
template <class T, MemoryOps Ops, class World, PacketPartition Partition, class View, PacketContribution Contribution,
          PacketEpilogue Epilogue>
SYMMBENCH_FN void one_shot_pull(Ops& ops, const Partition& partition, World world, const View& view,
                                const Contribution& contribution, const Epilogue& epilogue) {
  typename Epilogue::template Row<Partition> row;
  CallState state{};
  FlagCall call{};
  if (!begin_flag_call(ops, partition, view, state, call)) return;
  const auto place = [&](const PacketRef& ref) { return call.buffer + ref.packet * kPacketBytes; };
  partition.for_each(AllShares{}, [&](auto, const PacketRef& ref) {
    ops.store_comm(view.rank, place(ref), contribution.load(ops, ref));
  });
  ops.launch_dependents();
  typename Ops::Ticket ticket{};
  if (!first_barrier(ops, partition, view, state, call, ticket)) return;
  take_sums(ops, partition, row, epilogue, [&](const PacketRef& ref) {
    return load_and_sum<T>(ops, world, [&](int rank) { return ops.load_comm(rank, place(ref)); });
  });
  end_flag_call(ops, partition, state, ticket);
}

}  // namespace symmbench
