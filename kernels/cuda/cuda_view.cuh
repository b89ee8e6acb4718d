#pragma once
#include <cstdint>

#include "kernels/call_shape.hpp"
#include "kernels/protocol/view.hpp"

namespace symmbench::cuda {

// What of a WorkspaceView travels to a kernel, by value: small enough that launching it costs nothing, and an address
// with a constant index is an operand of the constant bank.

/// The Lamport protocols': a RankView and what they need of one segment. N: most ranks it can hold.
template <int N>
struct LamportView {
  std::int32_t rank;
  std::int32_t world_size;
  std::uint64_t slot_bytes;
  std::uint64_t control;
  std::uint64_t give_up;
  std::uint64_t wait_limit_ns;
  std::uint64_t own;      ///< this rank's segment
  std::uint64_t peer[N];  ///< the others', in the order of peer_after(); [world_size - 1] is the own

  __host__ LamportView(const RankView& rank_view, const SegmentView& segment, std::uint64_t bytes_of_slot)
      : rank(rank_view.rank),
        world_size(rank_view.world_size),
        slot_bytes(bytes_of_slot),
        control(rank_view.control),
        give_up(rank_view.give_up),
        wait_limit_ns(rank_view.wait_limit_ns),
        own(segment[rank]) {
    for (int step = 0; step < N; ++step) peer[step] = segment[(rank + 1 + step) % world_size];
  }
  __host__ explicit LamportView(const WorkspaceView& view) : LamportView(view, view.lamport(), view.slot_bytes) {}
};

/// A flag barrier's.
struct FlagsView : RankView {
  std::uint64_t flags[kMaxRanks];

  __host__ FlagsView(const RankView& rank_view, const SegmentView& segment) : RankView(rank_view) {
    for (int r = 0; r < kMaxRanks; ++r) flags[r] = segment[r];
  }
};

/// The barrier two-shot's.
struct BarrierView : FlagsView {
  std::uint64_t comm[kMaxRanks];

  __host__ explicit BarrierView(const WorkspaceView& view) : FlagsView(view, view.flags()) {
    for (int r = 0; r < kMaxRanks; ++r) comm[r] = view.comm()[r];
  }
};

/// Behind the view of any other kernel, what is set at launch (KernelForm::configurable).
template <class View>
struct ConfigurableView : View {
  std::uint32_t rounds_each_addition;
  std::uint32_t triggers_at_end;

  __host__ ConfigurableView(const WorkspaceView& view, const CallShape& shape)
      : View(view),
        rounds_each_addition(shape.rounds_each_addition()),
        triggers_at_end(shape.trigger == TriggerPoint::end) {}
};

/// Segment of the `step`-th peer.
template <int N>
__device__ __forceinline__ std::uint64_t peer_lamport(const LamportView<N>& view, int step) {
  return view.peer[step];
}
/// Segment of `rank`, another than the own.
template <int N>
__device__ __forceinline__ std::uint64_t lamport_of(const LamportView<N>& view, int rank) {
  const int step = rank - view.rank - 1;
  return view.peer[step < 0 ? step + view.world_size : step];
}

}  // namespace symmbench::cuda
