#pragma once
#include "kernels/protocol/wait.hpp"
#include "kernels/protocol/work.hpp"

namespace symmbench {

/// Two-shot allreduce, Lamport packets in both steps: each packet goes to the owner of its share, the owner sums and
/// sends the result to all. Steps: 2. Bytes on the wire per rank: 2*(W-1)/W * message. (KP 6)
///
/// Slot layout, S = message.share: stage 0 = W shares, share r = rank r's contributions to *my* share; stage 1 = W
/// shares, share r = the results of owner r. Neither the own contribution nor the own result travels or is stored
/// there. On a GPU a block serves one owner, so the phases of the others fall away by a uniform branch.
///
/// View: WorkspaceView, or the part of it that a device passes to its kernels.
template <class T, MemoryOps Ops, class World, class Work, class View, class Epilogue>
SYMMBENCH_FN void two_shot(Ops& ops, const Work& work, World world, const View& view, const Message& message,
                           const Epilogue& epilogue) {
  const int me = view.rank;
  const auto stage0 = [&](int from, const Place& place) { return (from * message.share + place.index) * kPacketBytes; };
  const auto stage1 = [&](const Place& place) {
    return ((world.size() + place.owner) * message.share + place.index) * kPacketBytes;
  };
  typename Work::template Kept<typename Ops::Target> kept_target;
  typename Work::template Kept<Packet> kept_packet;  // the own input, then for the own share the result
  typename Epilogue::template Row<Work> row;

  work.prepare([&](auto lane, const Place& place) {
    kept_target.keep(lane, ops.target(place.owner, stage0(me, place)));
    ops.prefetch(message.input + place.packet * kPacketBytes);
    epilogue.prepare(ops, row, lane, place);
  });
  ops.wait_for_previous();
  const auto load_input = [&](const Place& place) {
    return ops.sanitise(ops.load_local(message.input + place.packet * kPacketBytes));
  };
  work.prepare([&](auto lane, const Place& place) { kept_packet.keep(lane, load_input(place)); });
  const CallState state = ops.load_state();
  if (state.abort != 0) return;
  const std::uint64_t slot = state.slot * view.slot_bytes;

  work.for_each(Others{}, [&](auto lane, const Place& place) {
    const Packet input = kept_packet.get(lane, [&] { return load_input(place); });
    ops.send(kept_target.get(lane, [&] { return ops.target(place.owner, stage0(me, place)); }), slot, input);
  });
  ops.pushed();
  work.prepare([&](auto lane, const Place& place) { epilogue.load_residual(ops, row, lane, place); });
  const auto ticket = clear_and_take_ticket(ops, work, world, view, state);

  bool alive = true;
  // The sum of an own packet. Stage 0 is cleared by the next call only, so the host can ask for it twice.
  const auto sum_own = [&](const Packet& own, const Place& place) {
    const WaitContext context{WaitTag::two_shot_reduce, me, state.slot, place.packet, state.calls};
    Packet sum{};
    alive = wait_and_sum<T>(
        ops, world, context, own, [&](int rank) { return slot + stage0(rank, place); }, sum);
    return ops.sanitise(sum);
  };
  work.for_each(Own{}, [&](auto lane, const Place& place) {
    if (!alive) return;
    const Packet sum = sum_own(kept_packet.get(lane, [&] { return load_input(place); }), place);
    if (!alive) return;
    const auto targets = ops.targets(world, stage1(place));
    SYMMBENCH_UNROLL
    for (int step = 0; step < world.size() - 1; ++step) ops.send(targets, step, slot, sum);
    if constexpr (Epilogue::kRows) {
      kept_packet.keep(lane, sum);
    } else {
      epilogue.take(ops, row, lane, place, sum);
    }
  });

  const auto result = [&](auto lane, const Place& place) {
    if constexpr (Epilogue::kRows) {
      if (place.owner == me) return kept_packet.get(lane, [&] { return sum_own(load_input(place), place); });
    }
    const WaitContext context{WaitTag::two_shot_gather, me, state.slot, place.packet, state.calls};
    Packet packet{};
    alive = wait_packet(ops, slot + stage1(place), place.owner, context, packet);
    return packet;
  };
  work.for_each_tile(typename Epilogue::Pending{}, [&](const auto& tile) {
    epilogue.begin(row);
    tile.for_each([&](auto lane, const Place& place) {
      if (!alive) return;
      const Packet packet = result(lane, place);
      if (alive) epilogue.take(ops, row, lane, place, packet);
    });
    alive = epilogue.finish(ops, row, tile, alive);
  });
  if (alive && is_last(ops, work, ticket)) ops.advance(after_lamport_call(state, 2 * world.size(), message.share));
}

}  // namespace symmbench
