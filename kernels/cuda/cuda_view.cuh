#pragma once
#include <cstdint>

#include "kernels/protocol/view.hpp"

namespace symmbench::cuda {

/// The part of a WorkspaceView that the Lamport protocols use, small enough that launching it costs nothing: kernels
/// get it by value, and an address with a constant index is an operand of the constant bank. N: most ranks it can hold.
template <int N>
struct LamportView {
  std::int32_t rank;
  std::int32_t world_size;
  std::uint64_t slot_bytes;
  std::uint64_t control;
  std::uint64_t give_up;
  std::uint64_t wait_limit_ns;
  std::uint64_t own;      ///< this rank's Lamport segment
  std::uint64_t peer[N];  ///< the others', in the order of peer_after(); [world_size - 1] is the own

  __host__ explicit LamportView(const WorkspaceView& view)
      : rank(view.rank),
        world_size(view.world_size),
        slot_bytes(view.slot_bytes),
        control(view.control),
        give_up(view.give_up),
        wait_limit_ns(view.wait_limit_ns),
        own(view.lamport[view.rank]) {
    for (int step = 0; step < N; ++step) peer[step] = view.lamport[(view.rank + 1 + step) % view.world_size];
  }
};

template <int N>
__device__ __forceinline__ std::uint64_t own_lamport(const LamportView<N>& view) {
  return view.own;
}
__device__ __forceinline__ std::uint64_t own_lamport(const WorkspaceView& view) { return view.lamport[view.rank]; }

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
