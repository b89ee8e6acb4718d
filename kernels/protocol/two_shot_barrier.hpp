#pragma once
#include "kernels/protocol/barrier.hpp"
#include "kernels/protocol/contribution.hpp"
#include "kernels/protocol/epilogue.hpp"

namespace symmbench {

/// Two-shot allreduce between flag barriers, as upstream: inputs lie in the own comm segment, the owner of a share
/// reads them from there, sums, and stores the result to all. Steps: 2, each with a barrier.
///
/// Comm segment: input area, packet p at p; result area behind it, at W*share + p. Packets are plain accesses: only the
/// flags order them. *Each rank's share* is split over the blocks, never the whole message, so what block b reads was
/// written by the blocks b of the peers, which are the ones it met in the barrier.
///
/// Reuse is safe: this kernel ends when each of its blocks has met the peers' in the second barrier, which they enter
/// only after reading this rank's input area. Results of the next call arrive only after that call's first barrier. The
/// Lamport slots and the account of their dirty packets are left alone.
template <class T, MemoryOps Ops, class World, PacketPartition Partition, PacketContribution Contribution,
          PacketEpilogue Epilogue>
SYMMBENCH_FN void two_shot_barrier(Ops& ops, const Partition& partition, World world, const RankView& view,
                                   const Contribution& contribution, const MessageSpan& message,
                                   const Epilogue& epilogue) {
  const int me = view.rank;
  const auto input_area = [&](const PacketRef& ref) { return ref.packet * kPacketBytes; };
  const auto result_area = [&](const PacketRef& ref) {
    return (world.size() * message.share + ref.packet) * kPacketBytes;
  };
  typename Epilogue::template Row<Partition> row;
  partition.prepare([&](auto lane, const PacketRef& ref) { epilogue.prepare(ops, row, lane, ref); });
  ops.grid_dependency_wait();
  const CallState state = ops.load_state();
  if (state.abort != 0) return;

  partition.for_each(AllShares{}, [&](auto, const PacketRef& ref) {
    ops.store_comm(me, input_area(ref), contribution.load(ops, ref));
  });
  ops.launch_dependents();
  partition.prepare([&](auto lane, const PacketRef& ref) { epilogue.load_residual(ops, row, lane, ref); });
  partition.sync_block();
  typename Ops::Ticket ticket{};
  if (partition.leader()) ticket = ops.take_ticket(partition.blocks());
  if (!block_barrier(ops, partition, view, state, state.barrier_generation + 1)) return;

  partition.for_each(LocalShare{}, [&](auto, const PacketRef& ref) {
    const Packet result = load_and_sum<T>(ops, world, [&](int rank) { return ops.load_comm(rank, input_area(ref)); });
    for (int step = 0; step < world.size() - 1; ++step) {
      ops.store_comm(peer_after(world, me, step), result_area(ref), result);
    }
    ops.store_comm(me, result_area(ref), result);
  });
  if (!block_barrier(ops, partition, view, state, state.barrier_generation + 2)) return;

  partition.for_each_tile(AllShares{}, [&](const auto& tile) {
    epilogue.begin(row);
    tile.for_each([&](auto lane, const PacketRef& ref) {
      epilogue.take(ops, row, lane, ref, ops.load_comm(me, result_area(ref)));
    });
    epilogue.finish(ops, row, tile, true);
  });
  if (!is_last(ops, partition, ticket)) return;
  CallState next = state;
  next.barrier_generation += 2;
  ++next.calls;
  ops.advance(next);
}

}  // namespace symmbench
