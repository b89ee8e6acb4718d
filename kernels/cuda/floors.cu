#include <algorithm>
#include <bit>
#include <cstddef>

#include "kernels/cuda/cuda_ops.cuh"
#include "kernels/cuda/floors.hpp"
#include "kernels/cuda/launch.cuh"
#include "kernels/protocol/wait.hpp"

namespace symmbench::cuda {
namespace {

constexpr std::uint32_t kThreads = LinkProbe::kBlockBytes / kPacketBytes;  // a packet each
constexpr int kFewRanks = 8;  // whose addresses cost nothing to launch with

template <int N>
using ProbeOps = CudaOps<LamportView<N>, Trigger::after_wait>;

__global__ void empty_kernel() {
  ptx::wait_for_previous_kernel();
  ptx::let_next_kernel_start();
}

/// A packet is its own flag and is cleared once read. Two rows in turns make that safe: a peer writes a row again only
/// two barriers later, when this rank's kernel of this one has ended.
template <int N>
__global__ void flag_barrier_kernel(const __grid_constant__ LamportView<N> view, std::uint32_t row) {
  const int step = static_cast<int>(threadIdx.x);
  ProbeOps<N> ops(view);
  ops.grid_dependency_wait();
  if (step >= view.world_size - 1) return;
  const int peer = (view.rank + 1 + step) % view.world_size;
  const std::uint64_t base = std::uint64_t{row} * view.world_size * kPacketBytes;
  ops.send(ops.target(peer, base + view.rank * kPacketBytes), 0, Packet{});
  Packet packet{};
  const WaitContext context{WaitTag::barrier, view.rank, 0, row, 0};
  if (wait_packet(ops, base + peer * kPacketBytes, peer, context, packet)) ops.clear(base + peer * kPacketBytes);
}

/// Where thread and block work: the block's peer, and a place in the part of its comm segment that is this rank's.
template <int N>
__device__ __forceinline__ std::uint64_t peer_place(const LamportView<N>& view, std::uint64_t share_packets) {
  const unsigned peers = view.world_size - 1;
  const std::uint64_t packet = std::uint64_t{blockIdx.x / peers} * blockDim.x + threadIdx.x;
  return view.peer[blockIdx.x % peers] + (view.rank * share_packets + (packet & (share_packets - 1))) * kPacketBytes;
}

template <int N>
__global__ void write_peers_kernel(const __grid_constant__ LamportView<N> view, std::uint64_t share_packets) {
  const std::uint32_t word = blockIdx.x + threadIdx.x;
  ptx::store_relaxed_sys(peer_place(view, share_packets), Packet{{word, word, word, word}});
}

/// Loads that no cache of this GPU may answer.
template <int N>
__global__ void read_peers_kernel(const __grid_constant__ LamportView<N> view, std::uint64_t share_packets,
                                  std::uint32_t* sink) {
  const Packet packet = ptx::load_relaxed_sys(peer_place(view, share_packets));
  const std::uint32_t mixed = packet.word[0] ^ packet.word[1] * 3 ^ packet.word[2] * 5 ^ packet.word[3] * 7;
  if (mixed == 0xA5A5F00Du) *sink = mixed;
}

// A clock reading in words that never equal the sentinel.
__device__ __forceinline__ Packet time_packet(std::uint64_t time) {
  return {{static_cast<std::uint32_t>(time & 0xFFFFFF), static_cast<std::uint32_t>(time >> 24 & 0xFFFFFF),
           static_cast<std::uint32_t>(time >> 48), 0}};
}
__device__ __forceinline__ std::uint64_t time_in(const Packet& packet) {
  return packet.word[0] | static_cast<std::uint64_t>(packet.word[1]) << 24 |
         static_cast<std::uint64_t>(packet.word[2]) << 48;
}

/// Rank 0 runs a block per peer, a peer one block. A round has a packet of its own in each direction.
template <int N>
__global__ void ping_kernel(const __grid_constant__ LamportView<N> view, std::uint32_t rounds, ClockReading* to) {
  if (threadIdx.x != 0) return;
  ProbeOps<N> ops(view);
  const int peer = view.rank == 0 ? 1 + static_cast<int>(blockIdx.x) : 0;
  const auto place = [&](int sender, std::uint32_t round) {
    return (std::uint64_t{round} * view.world_size + sender) * kPacketBytes;
  };
  ClockReading best{0, ~std::uint64_t{0}, 0};
  for (std::uint32_t round = 0; round < rounds; ++round) {
    const WaitContext context{WaitTag::barrier, view.rank, 0, round, 0};
    Packet packet{};
    if (view.rank != 0) {
      if (!wait_packet(ops, place(peer, round), peer, context, packet)) return;
      ops.send(ops.target(peer, place(view.rank, round)), 0, time_packet(ptx::globaltimer()));
      continue;
    }
    const std::uint64_t sent = ptx::globaltimer();
    ops.send(ops.target(peer, place(0, round)), 0, Packet{});
    if (!wait_packet(ops, place(peer, round), peer, context, packet)) return;
    const std::uint64_t round_trip = ptx::globaltimer() - sent;
    if (round_trip >= best.round_trip_ns) continue;
    best.offset_ns = static_cast<std::int64_t>(time_in(packet) - (sent + round_trip / 2));
    best.round_trip_ns = round_trip;
    best.at_ns = sent;
  }
  if (view.rank == 0) to[peer] = best;
}

__global__ void stamp_kernel(std::uint64_t* to) { *to = ptx::globaltimer(); }

template <class Launch>
int launch_on(const RankView& view, const SegmentView& segment, Launch&& launch_with) {
  // The packet functions work on the probe's segment, which has one slot.
  return view.world_size <= kFewRanks ? launch_with(LamportView<kFewRanks>(view, segment, segment.bytes))
                                      : launch_with(LamportView<kMaxRanks>(view, segment, segment.bytes));
}

/// Packets of one rank's part of a segment: a power of two, so that finding a place in it costs one instruction.
std::uint64_t share_packets(const RankView& view, const SegmentView& segment) {
  return std::bit_floor(segment.bytes / kPacketBytes / static_cast<std::uint64_t>(view.world_size));
}

LaunchShape transfer_shape(const RankView& view, std::uint32_t blocks_per_peer) {
  return {.blocks = blocks_per_peer * static_cast<std::uint32_t>(view.world_size - 1), .threads = kThreads};
}

}  // namespace

int launch_empty(void* stream) { return launch(empty_kernel, {.blocks = 1, .threads = 32, .pdl = true}, stream); }

int launch_flag_barrier(void* stream, const RankView& view, const SegmentView& segment, std::uint32_t row) {
  return launch_on(view, segment, [&]<int N>(const LamportView<N>& comm) {
    return launch(flag_barrier_kernel<N>, {.blocks = 1, .threads = 96, .pdl = true}, stream, comm, row);
  });
}

int launch_write_peers(void* stream, const RankView& view, const SegmentView& segment, std::uint32_t blocks_per_peer) {
  return launch_on(view, segment, [&]<int N>(const LamportView<N>& comm) {
    return launch(write_peers_kernel<N>, transfer_shape(view, blocks_per_peer), stream, comm,
                  share_packets(view, segment));
  });
}

int launch_read_peers(void* stream, const RankView& view, const SegmentView& segment, std::uint32_t blocks_per_peer,
                      DevicePtr sink) {
  return launch_on(view, segment, [&]<int N>(const LamportView<N>& comm) {
    return launch(read_peers_kernel<N>, transfer_shape(view, blocks_per_peer), stream, comm,
                  share_packets(view, segment), reinterpret_cast<std::uint32_t*>(sink));
  });
}

int launch_ping(void* stream, const RankView& view, const SegmentView& segment, std::uint32_t rounds, DevicePtr to) {
  const std::uint32_t blocks = view.rank == 0 ? static_cast<std::uint32_t>(view.world_size - 1) : 1;
  return launch_on(view, segment, [&]<int N>(const LamportView<N>& comm) {
    return launch(ping_kernel<N>, {.blocks = blocks, .threads = 32}, stream, comm, rounds,
                  reinterpret_cast<ClockReading*>(to));
  });
}

int launch_stamp(void* stream, DevicePtr to) {
  return launch(stamp_kernel, {.blocks = 1, .threads = 1}, stream, reinterpret_cast<std::uint64_t*>(to));
}

}  // namespace symmbench::cuda
