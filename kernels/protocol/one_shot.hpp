#pragma once
#include "kernels/protocol/contribution.hpp"
#include "kernels/protocol/epilogue.hpp"
#include "kernels/protocol/wait.hpp"

namespace symmbench {

/// One-shot allreduce with Lamport packets: every rank sends its whole message to all, and sums what arrives.
/// Steps: 1. Bytes on the wire per rank: (W-1) * message.
///
/// Slot layout: as the message says. The own regions stay unused, the own contribution never leaves the rank. Outputs may
/// equal the input: a packet's own input is read before its output is written.
///
/// View: a RankView that knows slot_bytes: WorkspaceView, or what a device passes to its kernels of it.
template <class T, MemoryOps Ops, class World, PacketPartition Partition, class View, PacketContribution Contribution,
          class Message, PacketEpilogue Epilogue>
SYMMBENCH_FN void one_shot(Ops& ops, const Partition& partition, World world, const View& view,
                           const Contribution& contribution, const Message& message, const Epilogue& epilogue) {
  const int me = view.rank;
  const auto region = [&](int rank, const PacketRef& ref) {
    return message.one_shot_place(world, rank, ref) * kPacketBytes;
  };
  typename Partition::template Retained<typename Ops::template Targets<World>> kept_targets;
  typename Partition::template Retained<Packet> kept_input;
  typename Epilogue::template Row<Partition> row;

  // Only addresses and constants: what an earlier kernel may still be writing is read after the wait. To prefetch it is
  // not to read it.
  partition.prepare([&](auto lane, const PacketRef& ref) {
    kept_targets.set(lane, ops.targets(world, region(me, ref)));
    contribution.prefetch(ops, ref);
    epilogue.prepare(ops, row, lane, ref);
  });
  ops.grid_dependency_wait();
  const auto load_input = [&](const PacketRef& ref) { return ops.sanitise(contribution.load(ops, ref)); };
  partition.prepare([&](auto lane, const PacketRef& ref) { kept_input.set(lane, load_input(ref)); });
  const CallState state = ops.load_state();
  if (state.abort != 0) return;
  const std::uint64_t slot = state.slot * view.slot_bytes;

  partition.for_each(AllShares{}, [&](auto lane, const PacketRef& ref) {
    const Packet input = kept_input.get_or(lane, [&] { return load_input(ref); });
    const auto targets = kept_targets.get_or(lane, [&] { return ops.targets(world, region(me, ref)); });
    ops.send_to_all(targets, slot, input);
  });
  ops.launch_dependents();
  partition.prepare([&](auto lane, const PacketRef& ref) { epilogue.load_residual(ops, row, lane, ref); });
  const auto ticket = clear_and_take_ticket<Message>(ops, partition, world, view, state);

  bool alive = true;
  partition.for_each_tile(AllShares{}, [&](const auto& tile) {
    epilogue.begin(row);
    tile.for_each([&](auto lane, const PacketRef& ref) {
      if (!alive) return;
      const Packet own = kept_input.get_or(lane, [&] { return load_input(ref); });
      const WaitContext context{WaitTag::one_shot, me, state.slot, ref.packet, state.calls};
      Packet sum{};
      alive = wait_and_sum<T>(
          ops, world, context, own, [&](int rank) { return slot + region(rank, ref); }, sum);
      if (alive) epilogue.take(ops, row, lane, ref, sum);
    });
    alive = epilogue.finish(ops, row, tile, alive);
  });
  if (alive && is_last(ops, partition, ticket)) ops.advance(after_lamport_call(state, message.one_shot_regions(world)));
}

}  // namespace symmbench
