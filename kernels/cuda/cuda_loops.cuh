#pragma once
#include "kernels/cuda/cuda_partition.cuh"

namespace symmbench::cuda {

// Works of kernels whose grid does not cover the message: blocks loop, and nothing is kept from phase to phase. For the
// barrier two-shot, whose grid is bounded by its flags, and for the check kernels.

template <class V>
struct ComputedAgain {
  __device__ __forceinline__ void set(int, const V&) {}
  template <class F>
  __device__ __forceinline__ V get_or(int, F&& again) const {
    return again();
  }
};

/// Sum over the block, the same bits in every thread. `scratch`: one value per warp.
template <class V>
__device__ __forceinline__ V block_sum(V value, V (&scratch)[32]) {
#pragma unroll
  for (int lane = 16; lane > 0; lane /= 2) value += __shfl_xor_sync(0xFFFFFFFFu, value, lane);
  __syncthreads();  // the last call's readers are done
  if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = value;
  __syncthreads();
  V sum = 0;
  for (std::uint32_t warp = 0; warp < blockDim.x / 32; ++warp) sum += scratch[warp];
  return sum;
}

/// The largest of the block.
template <class V>
__device__ __forceinline__ V block_largest(V value, V (&scratch)[32]) {
  const auto larger = [](V a, V b) { return a > b ? a : b; };
#pragma unroll
  for (int lane = 16; lane > 0; lane /= 2) value = larger(value, __shfl_xor_sync(0xFFFFFFFFu, value, lane));
  __syncthreads();  // the last call's readers are done
  if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = value;
  __syncthreads();
  V largest = scratch[0];
  for (std::uint32_t warp = 1; warp < blockDim.x / 32; ++warp) largest = larger(largest, scratch[warp]);
  return largest;
}

class LoopPartition : public CudaGrid {
 public:
  template <class V>
  using Retained = ComputedAgain<V>;
  template <class F>
  __device__ __forceinline__ void prepare(F&&) const {}
};

/// Plain: block b has the same-numbered piece of each rank's share, the own one last.
class ShareLoops : public LoopPartition {
 public:
  __device__ __forceinline__ ShareLoops(int rank, int world_size, const MessageSpan& message)
      : packets_(message.packets), rank_(rank), world_size_(world_size) {}

  template <class F>
  __device__ __forceinline__ void for_each(AllShares, F&& f) const {
    for (int step = 0; step < world_size_; ++step) visit((rank_ + 1 + step) % world_size_, f);
  }
  template <class F>
  __device__ __forceinline__ void for_each(LocalShare, F&& f) const {
    visit(rank_, f);
  }
  template <class F>
  __device__ __forceinline__ void for_each_tile(AllShares, F&& f) const {
    f(Tile{*this});
  }

 private:
  struct Tile {
    const ShareLoops& partition;
    template <class F>
    __device__ __forceinline__ void for_each(F&& f) const {
      partition.for_each(AllShares{}, f);
    }
  };
  template <class F>
  __device__ __forceinline__ void visit(int owner, F&& f) const {
    const Share share = share_of(owner, world_size_, packets_);
    for_each_index(share.count, [&](std::uint64_t i) { f(0, PacketRef{share.first + i, i, 0, owner}); });
  }

  std::uint64_t packets_;
  int rank_, world_size_;
};

/// Fused: block b has rows b, b + blocks, ...
class RowLoops : public LoopPartition {
 public:
  __device__ __forceinline__ RowLoops(int rank, const MessageSpan& message, std::uint32_t row_packets,
                                      float (&scratch)[32])
      : message_(message), row_packets_(row_packets), rank_(rank), scratch_(scratch) {}

  template <class Which, class F>
  __device__ __forceinline__ void for_each(Which which, F&& f) const {
    for_each_row([&](std::uint64_t row) { visit(which, row, f); });
  }
  template <class F>
  __device__ __forceinline__ void for_each_tile(AllShares, F&& f) const {
    for_each_row([&](std::uint64_t row) { f(Tile{*this, row}); });
  }

 private:
  struct Tile {
    const RowLoops& partition;
    std::uint64_t row;
    template <class F>
    __device__ __forceinline__ void for_each(F&& f) const {
      partition.visit(AllShares{}, row, f);
    }
    template <class Overlap>
    __device__ __forceinline__ bool row_sum(float& sum, bool alive, const Overlap&) const {
      sum = block_sum(sum, partition.scratch_);
      return alive;
    }
    template <class Overlap>
    __device__ __forceinline__ bool row_sum_and_largest(float& sum, float& largest, bool alive, const Overlap&) const {
      sum = block_sum(sum, partition.scratch_);
      largest = block_largest(largest, partition.scratch_);
      return alive;
    }
    /// Every thread of the block makes every turn, so that whole warps can compare; its packets of a turn are
    /// neighbours, groups begin where warps or equal parts of them do.
    template <class F>
    __device__ __forceinline__ void for_each_group(std::uint32_t packets, F&& f) const {
      for (std::uint32_t first = 0; first < partition.row_packets_; first += blockDim.x) {
        f(Group{partition, row, first + threadIdx.x, packets});
      }
    }
  };
  struct Group {
    const RowLoops& partition;
    std::uint64_t row;
    std::uint32_t column, packets;
    template <class F>
    __device__ __forceinline__ void for_each(F&& f) const {
      if (column < partition.row_packets_) f(0, partition.ref_of(row, column));
    }
    __device__ __forceinline__ float largest(float value) const { return largest_of_group(value, packets); }
  };

  template <class F>
  __device__ __forceinline__ void for_each_row(F&& f) const {
    const std::uint64_t rows = message_.packets / row_packets_;
    for (std::uint64_t row = blockIdx.x; row < rows; row += gridDim.x) f(row);
  }
  __device__ __forceinline__ static bool wanted(AllShares, int, int) { return true; }
  __device__ __forceinline__ static bool wanted(LocalShare, int owner, int rank) { return owner == rank; }

  template <class Which, class F>
  __device__ __forceinline__ void visit(Which which, std::uint64_t row, F&& f) const {
    for (std::uint32_t column = threadIdx.x; column < row_packets_; column += blockDim.x) {
      const PacketRef ref = ref_of(row, column);
      if (wanted(which, ref.owner, rank_)) f(0, ref);
    }
  }
  __device__ __forceinline__ PacketRef ref_of(std::uint64_t row, std::uint32_t column) const {
    const std::uint64_t packet = row * row_packets_ + column;
    return {packet, packet % message_.share, column, static_cast<int>(packet / message_.share), row};
  }

  MessageSpan message_;
  std::uint32_t row_packets_;
  int rank_;
  float (&scratch_)[32];
};

/// For the check kernels: f(row_part, row); a row belongs to one block.
class CheckLoops : public CudaGrid {
 public:
  __device__ __forceinline__ explicit CheckLoops(double (&scratch)[32]) : scratch_(scratch) {}

  struct RowPart {
    double (&scratch)[32];
    template <class F>
    __device__ __forceinline__ void for_each_index(std::uint64_t count, F&& f) const {
      for (std::uint64_t i = threadIdx.x; i < count; i += blockDim.x) f(i);
    }
    __device__ __forceinline__ double sum(double value) const { return block_sum(value, scratch); }
    __device__ __forceinline__ double largest(double value) const { return block_largest(value, scratch); }
  };
  template <class F>
  __device__ __forceinline__ void for_each_row(std::uint64_t rows, F&& f) const {
    for (std::uint64_t row = blockIdx.x; row < rows; row += gridDim.x) f(RowPart{scratch_}, row);
  }

 private:
  double (&scratch_)[32];
};

}  // namespace symmbench::cuda
