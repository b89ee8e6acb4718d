#pragma once
#include "kernels/cuda/cuda_partition.cuh"

namespace symmbench::cuda {

// Plain messages cut by tokens. A thread's row is found by a division, before the wait for the previous kernel.

/// One-shot: thread t of the grid has packet t. The grid covers the message.
class TokenPartition : public MessagePartition {
 public:
  __device__ __forceinline__ explicit TokenPartition(const TokenSpan& message) : MessagePartition(message) {
    const auto packet = static_cast<std::uint32_t>(ref_.packet),
               row_packets = static_cast<std::uint32_t>(message.row_packets);
    const std::uint32_t row = packet / row_packets;
    ref_.row = row;
    ref_.column = packet - row * row_packets;
  }
};

/// Two-shot: block b serves owner (me + b % W) % W and has the (b / W)-th piece of that rank's rows, as SharePartition.
class TokenSharePartition : public OnePacketPartition {
 public:
  template <class World>
  __device__ __forceinline__ TokenSharePartition(World world, int rank, const TokenSpan& message) : rank_(rank) {
    const auto ranks = static_cast<std::uint32_t>(world.size());
    const auto row_packets = static_cast<std::uint32_t>(message.row_packets);
    const std::uint32_t owner = static_cast<std::uint32_t>(rank) + blockIdx.x % ranks;
    ref_.owner = static_cast<int>(owner < ranks ? owner : owner - ranks);
    const std::uint32_t index = blockIdx.x / ranks * blockDim.x + threadIdx.x;
    const std::uint32_t round = index / row_packets;
    const std::uint32_t row = round * ranks + static_cast<std::uint32_t>(ref_.owner);
    ref_.index = 0;
    ref_.row = row;
    ref_.column = index - round * row_packets;
    ref_.packet = std::uint64_t{row} * row_packets + ref_.column;
    has_packet_ = row < static_cast<std::uint32_t>(message.rows);
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
    f(WholeTile<TokenSharePartition, Which>{*this});
  }

 private:
  int rank_;
};

}  // namespace symmbench::cuda
