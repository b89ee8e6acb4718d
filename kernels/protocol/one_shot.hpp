#pragma once
#include "kernels/protocol/wait.hpp"
#include "kernels/protocol/work.hpp"

namespace symmbench {

/// One-shot allreduce with Lamport packets: every rank sends its whole message to all, and sums what arrives.
/// Steps: 1. Bytes on the wire per rank: (W-1) * message. (FI 10.3, KP 6)
///
/// Slot layout: region r = packets [r*N, (r+1)*N), written by rank r; the own region stays unused, the own contribution
/// never leaves the rank. Outputs may equal the input: a packet's own input is read before its output is written.
///
/// View: WorkspaceView, or the part of it that a device passes to its kernels.
template <class T, MemoryOps Ops, class World, class Work, class View, class Epilogue>
SYMMBENCH_FN void one_shot(Ops& ops, const Work& work, World world, const View& view, const Message& message,
                           const Epilogue& epilogue) {
  const int me = view.rank;
  const auto region = [&](int rank, const Place& place) {
    return (rank * message.packets + place.packet) * kPacketBytes;
  };
  typename Work::template Kept<typename Ops::template Targets<World>> kept_targets;
  typename Work::template Kept<Packet> kept_input;
  typename Epilogue::template Row<Work> row;

  // Only addresses and constants: what an earlier kernel may still be writing is read after the wait. To prefetch it is
  // not to read it.
  work.prepare([&](auto lane, const Place& place) {
    kept_targets.keep(lane, ops.targets(world, region(me, place)));
    ops.prefetch(message.input + place.packet * kPacketBytes);
    epilogue.prepare(ops, row, lane, place);
  });
  ops.wait_for_previous();
  const auto load_input = [&](const Place& place) {
    return ops.sanitise(ops.load_local(message.input + place.packet * kPacketBytes));
  };
  work.prepare([&](auto lane, const Place& place) { kept_input.keep(lane, load_input(place)); });
  const CallState state = ops.load_state();
  if (state.abort != 0) return;
  const std::uint64_t slot = state.slot * view.slot_bytes;

  work.for_each(All{}, [&](auto lane, const Place& place) {
    const Packet input = kept_input.get(lane, [&] { return load_input(place); });
    const auto targets = kept_targets.get(lane, [&] { return ops.targets(world, region(me, place)); });
    SYMMBENCH_UNROLL
    for (int step = 0; step < world.size() - 1; ++step) ops.send(targets, step, slot, input);
  });
  ops.pushed();
  work.prepare([&](auto lane, const Place& place) { epilogue.load_residual(ops, row, lane, place); });
  const auto ticket = clear_and_take_ticket(ops, work, world, view, state);

  bool alive = true;
  work.for_each_tile(All{}, [&](const auto& tile) {
    epilogue.begin(row);
    tile.for_each([&](auto lane, const Place& place) {
      if (!alive) return;
      const Packet own = kept_input.get(lane, [&] { return load_input(place); });
      const WaitContext context{WaitTag::one_shot, me, state.slot, place.packet, state.calls};
      Packet sum{};
      alive = wait_and_sum<T>(
          ops, world, context, own, [&](int rank) { return slot + region(rank, place); }, sum);
      if (alive) epilogue.take(ops, row, lane, place, sum);
    });
    alive = epilogue.finish(ops, row, tile, alive);
  });
  if (alive && is_last(ops, work, ticket)) ops.advance(after_lamport_call(state, world.size(), message.packets));
}

}  // namespace symmbench
