#pragma once
#include "kernels/cuda/cuda_memory.cuh"
#include "kernels/protocol/work.hpp"

namespace symmbench {

/// What a kernel is built for.
enum class Tuning {
  /// Work that the GPU holds at once: all registers it wants. What a wait does once in a thousand misses is called, for
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
  __device__ __forceinline__ void keep(int, const V& kept) { value = kept; }
  template <class F>
  __device__ __forceinline__ V get(int, F&&) const {
    return value;
  }
};

/// What all works of a GPU share.
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
class OnePacketWork : public CudaGrid {
 public:
  template <class V>
  using Kept = InRegisters<V>;

  template <class F>
  __device__ __forceinline__ void prepare(F&& f) const {
    if (has_packet_) f(0, place_);
  }

 protected:
  template <class Work, class Which>
  struct WholeTile {
    const Work& work;
    template <class F>
    __device__ __forceinline__ void for_each(F&& f) const {
      work.for_each(Which{}, f);
    }
  };

  bool has_packet_;
  Place place_;
};

/// Plain one-shot: thread t of the grid has packet t. The grid covers the message.
class MessageWork : public OnePacketWork {
 public:
  __device__ __forceinline__ explicit MessageWork(const Message& message) {
    place_ = {blockIdx.x * blockDim.x + threadIdx.x, 0, 0, 0};
    has_packet_ = place_.packet < message.packets;
  }
  template <class F>
  __device__ __forceinline__ void for_each(All, F&& f) const {
    prepare(f);
  }
  template <class F>
  __device__ __forceinline__ void for_each_tile(All, F&& f) const {
    f(WholeTile<MessageWork, All>{*this});
  }
};

/// Plain two-shot: block b serves owner (me + b % W) % W and has the (b / W)-th piece of that share, so a block talks
/// to one peer (KP 6). Block b waits only for blocks of its group of W consecutive ones on the peers: those are started
/// in order, so a grid larger than the GPU holds at once is no problem (KP 7).
class ShareWork : public OnePacketWork {
 public:
  template <class World>
  __device__ __forceinline__ ShareWork(World world, int rank, const Message& message) : rank_(rank) {
    const auto ranks = static_cast<std::uint32_t>(world.size());
    const std::uint32_t owner = static_cast<std::uint32_t>(rank) + blockIdx.x % ranks;
    place_.owner = static_cast<int>(owner < ranks ? owner : owner - ranks);
    const std::uint32_t index = blockIdx.x / ranks * blockDim.x + threadIdx.x;
    const auto share = static_cast<std::uint32_t>(message.share);
    place_.index = index;
    place_.packet = place_.owner * share + index;
    place_.column = 0;
    has_packet_ = index < share && place_.packet < message.packets;
  }
  template <class F>
  __device__ __forceinline__ void for_each(Own, F&& f) const {
    if (place_.owner == rank_) prepare(f);
  }
  template <class F>
  __device__ __forceinline__ void for_each(Others, F&& f) const {
    if (place_.owner != rank_) prepare(f);
  }
  template <class Which, class F>
  __device__ __forceinline__ void for_each_tile(Which, F&& f) const {
    f(WholeTile<ShareWork, Which>{*this});
  }

 private:
  int rank_;
};

}  // namespace symmbench
