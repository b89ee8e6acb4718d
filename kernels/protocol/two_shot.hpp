#pragma once
#include "kernels/protocol/contribution.hpp"
#include "kernels/protocol/epilogue.hpp"
#include "kernels/protocol/wait.hpp"

namespace symmbench {

/// Two-shot allreduce, Lamport packets in both steps: each packet goes to the owner of its share, the owner sums and
/// sends the result to all. Steps: 2. Bytes on the wire per rank: 2*(W-1)/W * message.
///
/// Slot layout: as the message says; contributions to *my* share, and behind them the results of every owner. Neither the
/// own contribution nor the own result travels or is stored there. On a GPU a block serves one owner, so the phases of
/// the others fall away by a uniform branch.
///
/// View: a RankView that knows slot_bytes: WorkspaceView, or what a device passes to its kernels of it.
template <class T, MemoryOps Ops, class World, PacketPartition Partition, class View, PacketContribution Contribution,
          class Message, PacketEpilogue Epilogue>
SYMMBENCH_FN void two_shot(Ops& ops, const Partition& partition, World world, const View& view,
                           const Contribution& contribution, const Message& message, const Epilogue& epilogue) {
  const int me = view.rank;
  const auto stage0 = [&](int from, const PacketRef& ref) {
    return message.reduce_place(world, from, ref) * kPacketBytes;
  };
  const auto stage1 = [&](const PacketRef& ref) { return message.gather_place(world, ref) * kPacketBytes; };
  typename Partition::template Retained<typename Ops::Target> kept_target;
  typename Partition::template Retained<Packet> kept_packet;  // the own input, then for the own share the result
  typename Epilogue::template Row<Partition> row;

  partition.prepare([&](auto lane, const PacketRef& ref) {
    kept_target.set(lane, ops.target(ref.owner, stage0(me, ref)));
    contribution.prefetch(ops, ref);
    epilogue.prepare(ops, row, lane, ref);
  });
  ops.grid_dependency_wait();
  const auto load_input = [&](const PacketRef& ref) { return ops.sanitise(contribution.load(ops, ref)); };
  partition.prepare([&](auto lane, const PacketRef& ref) { kept_packet.set(lane, load_input(ref)); });
  const CallState state = ops.load_state();
  if (state.abort != 0) return;
  const std::uint64_t slot = state.slot * view.slot_bytes;

  partition.for_each(RemoteShares{}, [&](auto lane, const PacketRef& ref) {
    const Packet input = kept_packet.get_or(lane, [&] { return load_input(ref); });
    ops.send(kept_target.get_or(lane, [&] { return ops.target(ref.owner, stage0(me, ref)); }), slot, input);
  });
  ops.launch_dependents();
  partition.prepare([&](auto lane, const PacketRef& ref) { epilogue.load_residual(ops, row, lane, ref); });
  const auto ticket = clear_and_take_ticket<Message>(ops, partition, world, view, state);

  bool alive = true;
  // The sum of an own packet. Stage 0 is cleared by the next call only, so the host can ask for it twice.
  const auto sum_own = [&](const Packet& own, const PacketRef& ref) {
    const WaitContext context{WaitTag::two_shot_reduce, me, state.slot, ref.packet, state.calls};
    Packet sum{};
    alive = wait_and_sum<T>(
        ops, world, context, own, [&](int rank) { return slot + stage0(rank, ref); }, sum);
    return ops.sanitise(sum);
  };
  partition.for_each(LocalShare{}, [&](auto lane, const PacketRef& ref) {
    if (!alive) return;
    const Packet sum = sum_own(kept_packet.get_or(lane, [&] { return load_input(ref); }), ref);
    if (!alive) return;
    ops.send_to_all(ops.targets(world, stage1(ref)), slot, sum);
    if constexpr (Epilogue::kRows) {
      kept_packet.set(lane, sum);
    } else {
      epilogue.take(ops, row, lane, ref, sum);
    }
  });

  const auto result = [&](auto lane, const PacketRef& ref) {
    if constexpr (Epilogue::kRows) {
      if (ref.owner == me) return kept_packet.get_or(lane, [&] { return sum_own(load_input(ref), ref); });
    }
    const WaitContext context{WaitTag::two_shot_gather, me, state.slot, ref.packet, state.calls};
    Packet packet{};
    alive = wait_packet(ops, slot + stage1(ref), ref.owner, context, packet);
    return packet;
  };
  partition.for_each_tile(typename Epilogue::Pending{}, [&](const auto& tile) {
    epilogue.begin(row);
    tile.for_each([&](auto lane, const PacketRef& ref) {
      if (!alive) return;
      const Packet packet = result(lane, ref);
      if (alive) epilogue.take(ops, row, lane, ref, packet);
    });
    alive = epilogue.finish(ops, row, tile, alive);
  });
  if (alive && is_last(ops, partition, ticket)) ops.advance(after_lamport_call(state, message.two_shot_regions(world)));
}

}  // namespace symmbench
