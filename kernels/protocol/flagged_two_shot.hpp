#pragma once
#include "kernels/protocol/flagged_one_shot.hpp"

namespace symmbench {

/// Two-shot allreduce over a trtllm workspace, upstream's own: every rank puts its message into its own comm buffer, the
/// owner of a share reads it from all, sums, and leaves the result in its place; all read it there. Steps: 2, each with a
/// barrier. Nobody but the owner touches a share in its own buffer between them, so input and result may share it.
template <class T, MemoryOps Ops, class World, PacketPartition Partition, class View, PacketContribution Contribution,
          PacketEpilogue Epilogue>
SYMMBENCH_FN void two_shot_pull(Ops& ops, const Partition& partition, World world, const View& view,
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
  partition.for_each(LocalShare{}, [&](auto, const PacketRef& ref) {
    ops.store_comm(view.rank, place(ref),
                   load_and_sum<T>(ops, world, [&](int rank) { return ops.load_comm(rank, place(ref)); }));
  });
  if (!barrier_at_row(ops, partition, view, state, call.flag, call.out_row)) return;
  take_sums(ops, partition, row, epilogue, [&](const PacketRef& ref) { return ops.load_comm(ref.owner, place(ref)); });
  end_flag_call(ops, partition, state, ticket);
}

}  // namespace symmbench
