#pragma once
#include "kernels/cuda/cuda_memory.cuh"
#include "kernels/protocol/partition.hpp"

namespace symmbench::cuda {

/// What a kernel is built for.
enum class Tuning {
  /// As many packets as the GPU holds at once: all registers it wants. What a wait does once in a thousand misses is called, for
  /// in line it would stand between the polling loop and what follows it, and be fetched with every launch (0.05 us). A
  /// cluster meets before the wait for the previous kernel.
  latency,
  /// More than it holds at once: few registers, so that more is under way. Nothing is called, a cluster meets late.
  throughput,
};

/// What a thread learns about its packet stays in registers.
template <class V>
struct InRegisters {
  V value;
  __device__ __forceinline__ void set(int, const V& kept) { value = kept; }
  template <class F>
  __device__ __forceinline__ V get_or(int, F&&) const {
    return value;
  }
};

/// The largest of `value`, which is not negative, over groups of so many neighbouring threads, a power of two up to
/// kMost. For whole warps. Unrolled: a loop would be fetched once more with every launch.
template <std::uint32_t kMost = 32>
__device__ __forceinline__ float largest_of_group(float value, std::uint32_t threads) {
#pragma unroll
  for (std::uint32_t lane = kMost / 2; lane > 0; lane /= 2) {
    const float other = __shfl_xor_sync(0xFFFFFFFFu, value, static_cast<int>(lane));
    value = lane < threads ? fmaxf(value, other) : value;
  }
  return value;
}
/// Of a whole warp, the same bits in every thread.
__device__ __forceinline__ float sum_of_warp(float value) {
#pragma unroll
  for (int lane = 16; lane > 0; lane /= 2) value += __shfl_xor_sync(0xFFFFFFFFu, value, lane);
  return value;
}
/// Of a whole warp: numbers that are not negative are ordered as their bits are.
__device__ __forceinline__ float largest_of_warp(float value) {
  return __uint_as_float(__reduce_max_sync(0xFFFFFFFFu, __float_as_uint(value)));
}

/// What all partitions of a GPU share.
class CudaGrid {
 public:
  __device__ __forceinline__ std::uint32_t block() const { return blockIdx.x; }
  __device__ __forceinline__ std::uint32_t blocks() const { return gridDim.x; }
  __device__ __forceinline__ bool leader() const { return threadIdx.x == 0; }
  __device__ __forceinline__ void sync_block() const { __syncthreads(); }
  __device__ __forceinline__ bool all_alive(bool alive) const { return __syncthreads_and(alive) != 0; }
  template <class F>
  __device__ __forceinline__ void for_each_rank(int ranks, F&& f) const {
    for (int rank = static_cast<int>(threadIdx.x); rank < ranks; rank += static_cast<int>(blockDim.x)) f(rank);
  }
  template <class F>
  __device__ __forceinline__ void for_each_index(std::uint64_t count, F&& f) const {
    const std::uint64_t step = std::uint64_t{gridDim.x} * blockDim.x;
    for (std::uint64_t i = thread_of_grid(); i < count; i += step) f(i);
  }

 protected:
  __device__ __forceinline__ static std::uint64_t thread_of_grid() {
    return std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  }
};

/// A thread has one packet or none. Packets are counted in 32 bits here: a grid has no more threads (launch_problem).
class OnePacketPartition : public CudaGrid {
 public:
  template <class V>
  using Retained = InRegisters<V>;

  template <class F>
  __device__ __forceinline__ void prepare(F&& f) const {
    if (has_packet_) f(0, ref_);
  }

 protected:
  template <class Partition, class Which>
  struct WholeTile {
    const Partition& partition;
    template <class F>
    __device__ __forceinline__ void for_each(F&& f) const {
      partition.for_each(Which{}, f);
    }
  };

  bool has_packet_;
  PacketRef ref_;
};

/// Plain one-shot: thread t of the grid has packet t. The grid covers the message.
class MessagePartition : public OnePacketPartition {
 public:
  template <class Message>
  __device__ __forceinline__ explicit MessagePartition(const Message& message) {
    ref_ = {blockIdx.x * blockDim.x + threadIdx.x, 0, 0, 0};
    has_packet_ = ref_.packet < message.packets;
  }
  template <class F>
  __device__ __forceinline__ void for_each(AllShares, F&& f) const {
    prepare(f);
  }
  template <class F>
  __device__ __forceinline__ void for_each_tile(AllShares, F&& f) const {
    f(WholeTile<MessagePartition, AllShares>{*this});
  }
};

/// Plain two-shot: block b serves owner (me + b % W) % W and has the (b / W)-th piece of that share, so a block talks
/// to one peer. Block b waits only for blocks of its group of W consecutive ones on the peers: those are started
/// in order, so a grid larger than the GPU holds at once is no problem.
class SharePartition : public OnePacketPartition {
 public:
  template <class World>
  __device__ __forceinline__ SharePartition(World world, int rank, const MessageSpan& message) : rank_(rank) {
    const auto ranks = static_cast<std::uint32_t>(world.size());
    const std::uint32_t owner = static_cast<std::uint32_t>(rank) + blockIdx.x % ranks;
    ref_.owner = static_cast<int>(owner < ranks ? owner : owner - ranks);
    const std::uint32_t index = blockIdx.x / ranks * blockDim.x + threadIdx.x;
    const auto share = static_cast<std::uint32_t>(message.share);
    ref_.index = index;
    ref_.packet = ref_.owner * share + index;
    ref_.column = 0;
    has_packet_ = index < share && ref_.packet < message.packets;
  }
  template <class F>
  __device__ __forceinline__ void for_each(LocalShare, F&& f) const {
    if (ref_.owner == rank_) prepare(f);
  }
  template <class F>
  __device__ __forceinline__ void for_each(RemoteShares, F&& f) const {
    if (ref_.owner != rank_) prepare(f);
  }
  template <class Which, class F>
  __device__ __forceinline__ void for_each_tile(Which, F&& f) const {
    f(WholeTile<SharePartition, Which>{*this});
  }

 private:
  int rank_;
};

}  // namespace symmbench::cuda
