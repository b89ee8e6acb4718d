#pragma once
#include "kernels/protocol/partition.hpp"
#include "kernels/protocol/wait.hpp"

namespace symmbench {

/// Barrier of the same-numbered blocks of all ranks. The flag that rank p writes for me lies in my flags at byte `row` and
/// word p of it; it holds a generation that only grows, so rows that some calls do not use need no upkeep, and a peer that
/// is already one barrier ahead does not look late. Compared by signed difference, so it may wrap.
///
/// Everything that the block wrote before is visible to the peers' blocks after (release, acquire). False: gave up,
/// naming the peer, with `packet` of the record the block.
template <MemoryOps Ops, BlockGrid Partition>
SYMMBENCH_FN bool barrier_at_row(Ops& ops, const Partition& partition, const RankView& view, const CallState& state,
                                 std::uint32_t generation, std::uint64_t row) {
  partition.sync_block();
  partition.for_each_rank(view.world_size, [&](int peer) {
    if (peer != view.rank) ops.signal(peer, row + view.rank * 4, generation);
  });
  bool alive = true;
  partition.for_each_rank(view.world_size, [&](int peer) {
    if (peer == view.rank) return;
    if (!alive) return;
    const WaitContext context{WaitTag::barrier, view.rank, state.slot, partition.block(), state.calls};
    std::uint32_t seen = 0;
    const auto attempt = [&] {
      seen = ops.observe(row + peer * 4);
      return static_cast<std::int32_t>(seen - generation) >= 0;
    };
    alive = wait_until(ops, context, attempt, [&] { return StalledPeer{peer, generation, seen}; });
  });
  return partition.all_alive(alive);
}

/// The same over rows of one word per rank, a row per block. (Upstream counts modulo 3 and writes every row.)
template <MemoryOps Ops, BlockGrid Partition>
SYMMBENCH_FN bool block_barrier(Ops& ops, const Partition& partition, const RankView& view, const CallState& state,
                                std::uint32_t generation) {
  const std::uint64_t row = partition.block() * static_cast<std::uint64_t>(view.world_size) * 4;
  return barrier_at_row(ops, partition, view, state, generation, row);
}

/// All ranks' streams meet: one block per rank.
template <MemoryOps Ops, BlockGrid Partition>
SYMMBENCH_FN void device_barrier(Ops& ops, const Partition& partition, const RankView& view) {
  ops.grid_dependency_wait();
  CallState state = ops.load_state();
  if (state.abort != 0) return;
  if (!block_barrier(ops, partition, view, state, state.barrier_generation + 1)) return;
  partition.sync_block();
  if (!partition.leader() || !ops.is_last(ops.take_ticket(partition.blocks()), partition.blocks())) return;
  ++state.barrier_generation;
  ++state.calls;
  ops.advance(state);
}

}  // namespace symmbench
