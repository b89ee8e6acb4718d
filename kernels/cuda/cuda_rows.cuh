#pragma once
#include "kernels/cuda/cuda_partition.cuh"
#include "kernels/cuda/launch_shape.hpp"

namespace symmbench::cuda {

inline constexpr std::uint32_t kMaxRowWarps = kMaxRowBlocks * kMaxThreads / 32;
/// Partial sums that are read at a time, all loads in flight at once.
inline constexpr std::uint32_t kPartials = 32;

/// Shared memory of a block that works on rows: every warp of the cluster leaves its partial sum here, and the largest
/// that it saw where a pattern asks for the row's.
template <bool kLargest>
struct RowShared {
  static constexpr std::uint32_t kValues = kLargest ? 2 : 1;
  alignas(16) float part[kValues * kMaxRowWarps];
  alignas(8) std::uint64_t mbarrier;
};

enum class RowOrder {
  in_turn,   ///< one-shot: cluster c has row c
  by_owner,  ///< two-shot: clusters c ... c + W - 1 have one row of each rank's share, so all links are busy
  by_token,  ///< the same where row r is owned by rank r % W: cluster c has row c
};

/// Fused patterns: one cluster per row, one packet per thread. A row is cut evenly over the blocks of its cluster; a
/// row may belong to several owners. Cluster c waits only for clusters of its group of W consecutive ones on the peers
/// (of its own number in a one-shot), so no co-residency is needed. Groups of kGroup packets are cut over neither blocks
/// nor warps.
template <RowOrder kOrder, Tuning kTuning, std::uint32_t kGroup = 1, bool kLargest = false>
class RowsPartition : public OnePacketPartition {
 public:
  /// Prologue, before anything of an earlier kernel is touched: sums and mbarrier made ready.
  template <class World, class Message>
  __device__ __forceinline__ RowsPartition(World world, int rank, const Message& message, std::uint32_t row_packets,
                                           RowShared<kLargest>& shared)
      : rank_(rank),
        blocks_of_row_(ptx::cluster_size()),
        part_(ptx::in_register(ptx::shared_address(shared.part))),
        mbarrier_(ptx::in_register(ptx::shared_address(&shared.mbarrier))) {
    const std::uint32_t warps = blocks_of_row_ * (blockDim.x / 32);
    const std::uint32_t padded = (warps + kPartials - 1) / kPartials * kPartials;
    for (std::uint32_t i = threadIdx.x; i < padded; i += blockDim.x) {
      shared.part[i] = 0.0f;
      if constexpr (kLargest) shared.part[kMaxRowWarps + i] = 0.0f;
    }
    if (threadIdx.x == 0) ptx::mbarrier_init(mbarrier_);
    if constexpr (kTuning == Tuning::latency) part_goes_to_ = destination();
    ptx::cluster_arrive();
    if constexpr (kTuning == Tuning::latency) meet();

    static_assert(kGroup != 0 && 32 % kGroup == 0);
    std::uint32_t per_block = (row_packets + blocks_of_row_ - 1) / blocks_of_row_;
    if constexpr (kGroup > 1) per_block = (per_block + kGroup - 1) / kGroup * kGroup;
    const std::uint32_t column = ptx::cluster_block() * per_block + threadIdx.x;
    const auto packets = static_cast<std::uint32_t>(message.packets);
    const std::uint32_t row = row_of(world, packets / row_packets);
    const std::uint32_t packet = row * row_packets + column;
    ref_.column = column;
    ref_.packet = packet;
    has_packet_ = threadIdx.x < per_block && column < row_packets && packet < packets;
    ref_.row = row;
    ref_.owner = 0;
    ref_.index = 0;
    if constexpr (kOrder == RowOrder::by_owner) {
      const auto share = static_cast<std::uint32_t>(message.share);
#pragma unroll
      for (int r = 1; r < world.size(); ++r) ref_.owner += packet >= r * share ? 1 : 0;
      ref_.index = packet - ref_.owner * share;
    } else if constexpr (kOrder == RowOrder::by_token) {
      ref_.owner = static_cast<int>(row % static_cast<std::uint32_t>(world.size()));
    }
  }

  template <class F>
  __device__ __forceinline__ void for_each(AllShares, F&& f) const {
    prepare(f);
  }
  template <class F>
  __device__ __forceinline__ void for_each(LocalShare, F&& f) const {
    if (ref_.owner == rank_) prepare(f);
  }
  template <class F>
  __device__ __forceinline__ void for_each(RemoteShares, F&& f) const {
    if (ref_.owner != rank_) prepare(f);
  }
  template <class F>
  __device__ __forceinline__ void for_each_tile(AllShares, F&& f) const {
    f(Tile{*this});
  }

  /// For a thread that leaves the protocol early: the blocks of its cluster count on its part of the sum, and may write
  /// to this block's shared memory until all parts are there.
  __device__ __forceinline__ void drain() const {
    if (summed_) return;
    float nothing = 0.0f;
    if constexpr (kLargest) {
      float none = 0.0f;
      row_sum_and_largest(nothing, none, false, [] {});
    } else {
      row_sum(nothing, false, [] {});
    }
  }

 private:
  struct Tile {
    const RowsPartition& partition;
    template <class F>
    __device__ __forceinline__ void for_each(F&& f) const {
      partition.prepare(f);
    }
    template <class Overlap>
    __device__ __forceinline__ bool row_sum(float& sum, bool alive, const Overlap& overlap) const {
      return partition.row_sum(sum, alive, overlap);
    }
    template <class Overlap>
    __device__ __forceinline__ bool row_sum_and_largest(float& sum, float& largest, bool alive,
                                                        const Overlap& overlap) const {
      return partition.row_sum_and_largest(sum, largest, alive, overlap);
    }
    template <class F>
    __device__ __forceinline__ void for_each_group(std::uint32_t packets, F&& f) const {
      f(Group{partition, packets});
    }
  };
  struct Group {
    const RowsPartition& partition;
    std::uint32_t packets;
    template <class F>
    __device__ __forceinline__ void for_each(F&& f) const {
      partition.prepare(f);
    }
    __device__ __forceinline__ float largest(float value) const { return largest_of_group<kGroup>(value, packets); }
  };

  template <class World>
  __device__ __forceinline__ static std::uint32_t row_of(World world, std::uint32_t rows) {
    const std::uint32_t cluster = ptx::cluster_number();
    if constexpr (kOrder != RowOrder::by_owner) {
      return cluster;
    } else {
      const auto ranks = static_cast<std::uint32_t>(world.size());
      const std::uint32_t rows_of_share = (rows + ranks - 1) / ranks;
      const std::uint32_t round = cluster / ranks;
      // Idle clusters get a row behind the last one.
      return round < rows_of_share ? cluster % ranks * rows_of_share + round : rows;
    }
  }

  /// Where this thread sends the sum of its warp: lane b to block b. Lanes without a block have none.
  struct Destination {
    std::uint32_t part, mbarrier;
  };
  __device__ __forceinline__ Destination destination() const {
    const std::uint32_t lane = threadIdx.x % 32;
    const std::uint32_t index = ptx::cluster_block() * (blockDim.x / 32) + threadIdx.x / 32;
    const std::uint32_t block = lane < blocks_of_row_ ? lane : 0;
    return {ptx::in_register(ptx::shared_address_of(part_ + index * 4, block)),
            ptx::in_register(ptx::shared_address_of(mbarrier_, block))};
  }

  /// The blocks of the cluster have all made themselves ready; now this one says what it waits for.
  __device__ __forceinline__ void meet() const {
    ptx::cluster_wait();
    if (threadIdx.x == 0) {
      ptx::mbarrier_expect(mbarrier_, blocks_of_row_ * (blockDim.x / 32) * RowShared<kLargest>::kValues *
                                          static_cast<std::uint32_t>(sizeof(float)));
    }
  }

  /// Each warp sends its sum to all blocks of the cluster, which add all of them in one order. The wait needs no
  /// deadline: whoever it is for comes here too, after waits that have one. Not alive: the thread's own wait gave up;
  /// that of another one shows in the control block only, and the output of such a call is of no use anyhow.
  template <class Overlap>
  __device__ __forceinline__ bool row_sum(float& sum, bool alive, const Overlap& overlap) const {
    summed_ = true;
    const float q = sum_of_warp(has_packet_ && alive ? sum : 0.0f);
    if constexpr (kTuning == Tuning::throughput) meet();
    if (threadIdx.x % 32 < blocks_of_row_) {
      const Destination to = kTuning == Tuning::latency ? part_goes_to_ : destination();
      ptx::store_async(to.part, __float_as_uint(q), to.mbarrier);
    }
    overlap();
    while (!ptx::mbarrier_done(mbarrier_)) {
    }
    const std::uint32_t warps = blocks_of_row_ * (blockDim.x / 32);
    sum = sum_of(part_);
#pragma unroll 1
    for (std::uint32_t first = kPartials; first < warps; first += kPartials) sum += sum_of(part_ + first * 4);
    return alive;
  }

  /// The same, and the largest with it, behind one barrier.
  template <class Overlap>
  __device__ __forceinline__ bool row_sum_and_largest(float& sum, float& largest, bool alive,
                                                      const Overlap& overlap) const {
    constexpr std::uint32_t kApart = kMaxRowWarps * sizeof(float);
    summed_ = true;
    const float q = sum_of_warp(has_packet_ && alive ? sum : 0.0f);
    const float most = largest_of_warp(has_packet_ && alive ? largest : 0.0f);
    if constexpr (kTuning == Tuning::throughput) meet();
    if (threadIdx.x % 32 < blocks_of_row_) {
      const Destination to = kTuning == Tuning::latency ? part_goes_to_ : destination();
      ptx::store_async(to.part, __float_as_uint(q), to.mbarrier);
      ptx::store_async(to.part + kApart, __float_as_uint(most), to.mbarrier);
    }
    overlap();
    while (!ptx::mbarrier_done(mbarrier_)) {
    }
    const std::uint32_t warps = blocks_of_row_ * (blockDim.x / 32);
    sum = 0.0f;
    largest = 0.0f;
#pragma unroll 1
    for (std::uint32_t first = 0; first < warps; first += kPartials) {
      const float found = ptx::load_shared_number(part_ + kApart + (first + threadIdx.x % 32) * 4);
      sum += sum_of(part_ + first * 4);
      largest = fmaxf(largest, largest_of_warp(found));
    }
    return alive;
  }

  __device__ __forceinline__ static float sum_of(std::uint32_t part) {
    if constexpr (kTuning == Tuning::throughput) {
      return sum_of_warp(
          ptx::load_shared_number(part + threadIdx.x % 32 * 4));  // few instructions: others want to issue
    } else {
      float4 p[kPartials / 4];
#pragma unroll
      for (int i = 0; i < 8; ++i) p[i] = ptx::load_shared(part + i * 16);
#pragma unroll
      for (int half = 4; half > 0; half /= 2) {
#pragma unroll
        for (int i = 0; i < half; ++i) {
          p[i].x += p[i + half].x;
          p[i].y += p[i + half].y;
          p[i].z += p[i + half].z;
          p[i].w += p[i + half].w;
        }
      }
      return (p[0].x + p[0].y) + (p[0].z + p[0].w);
    }
  }

  int rank_;
  std::uint32_t blocks_of_row_, part_, mbarrier_;
  Destination part_goes_to_;
  mutable bool summed_ = false;
};

}  // namespace symmbench::cuda
