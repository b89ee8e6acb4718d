#pragma once
#include "kernels/cuda/collectives.cuh"
#include "kernels/protocol/flagged_two_shot.hpp"

namespace symmbench::cuda {

// Kernels over a trtllm workspace: for comparing with what older releases of upstream ran, one for every number of ranks.

/// A RankView and the seven segments.
struct TrtllmView : RankView {
  static constexpr int kMostRanks = 16;

  std::uint64_t slot_bytes;  ///< of a Lamport buffer
  std::uint64_t comm[2][kMostRanks];
  std::uint64_t flags[2][kMostRanks];
  std::uint64_t lamport[kLamportSlots][kMostRanks];
  std::uint64_t bytes_of_comm, bytes_of_flags;  ///< of a buffer

  __host__ explicit TrtllmView(const WorkspaceView& view) : RankView(view), slot_bytes(view.slot_bytes) {
    using Parts = WorkspaceView;
    const auto take = [&](std::uint64_t(&to)[kMostRanks], int use) {
      for (int r = 0; r < kMostRanks; ++r) to[r] = view.segment[use][r];
    };
    take(comm[0], Parts::kComm);
    take(comm[1], Parts::kSecondComm);
    take(flags[0], Parts::kFlags);
    take(flags[1], Parts::kSecondFlags);
    take(lamport[0], Parts::kLamport);
    take(lamport[1], Parts::kSecondLamport);
    take(lamport[2], Parts::kThirdLamport);
    bytes_of_comm = view.comm().bytes;
    bytes_of_flags = view.flags().bytes;
  }

  __device__ __forceinline__ std::uint64_t comm_bytes() const { return bytes_of_comm; }
};

/// CudaOps whose areas are of several segments.
template <class View>
class TrtllmOps : public CudaOps<View, Trigger::after_push> {
  using Base = CudaOps<View, Trigger::after_push>;

 public:
  struct Target {
    int rank;
    std::uint64_t offset;
  };
  using Source = std::uint64_t;

  __device__ __forceinline__ explicit TrtllmOps(const View& view) : Base(view), parts_(view) {}

  __device__ __forceinline__ Target target(int rank, std::uint64_t offset) { return {rank, offset}; }
  __device__ __forceinline__ void send(const Target& target, std::uint64_t slot_offset, const Packet& packet) {
    ptx::store_relaxed_sys(lamport_at(target.rank, target.offset + slot_offset), packet);
  }
  /// One offset for all peers: their addresses follow from the slot.
  template <class World>
  struct Targets {
    World world;
    std::uint64_t offset;
  };
  template <class World>
  __device__ __forceinline__ Targets<World> targets(World world, std::uint64_t offset) {
    return {world, offset};
  }
  template <class World>
  __device__ __forceinline__ void send_to_all(const Targets<World>& targets, std::uint64_t slot_offset,
                                              const Packet& packet) {
    for (int step = 0; step < targets.world.size() - 1; ++step) {
      send({peer_after(targets.world, parts_.rank, step), targets.offset}, slot_offset, packet);
    }
  }
  __device__ __forceinline__ Source source(std::uint64_t offset) {
    return ptx::in_register(lamport_at(parts_.rank, offset));
  }
  __device__ __forceinline__ void clear(std::uint64_t offset) {
    ptx::store(lamport_at(parts_.rank, offset), sentinel_packet());
  }
  __device__ __forceinline__ Packet load_comm(int rank, std::uint64_t offset) {
    return ptx::load(comm_at(rank, offset));
  }
  __device__ __forceinline__ void store_comm(int rank, std::uint64_t offset, const Packet& packet) {
    ptx::store(comm_at(rank, offset), packet);
  }
  __device__ __forceinline__ void signal(int rank, std::uint64_t offset, std::uint32_t value) {
    ptx::store_word_release_sys(flags_at(rank, offset), value);
  }
  __device__ __forceinline__ std::uint32_t observe(std::uint64_t offset) {
    return ptx::load_word_acquire_sys(flags_at(parts_.rank, offset));
  }

 private:
  __device__ __forceinline__ std::uint64_t comm_at(int rank, std::uint64_t offset) const {
    const bool second = offset >= parts_.bytes_of_comm;
    return parts_.comm[second][rank] + offset - (second ? parts_.bytes_of_comm : 0);
  }
  __device__ __forceinline__ std::uint64_t flags_at(int rank, std::uint64_t offset) const {
    const bool second = offset >= parts_.bytes_of_flags;
    return parts_.flags[second][rank] + offset - (second ? parts_.bytes_of_flags : 0);
  }
  __device__ __forceinline__ std::uint64_t lamport_at(int rank, std::uint64_t offset) const {
    const int slot = (offset >= parts_.slot_bytes) + (offset >= 2 * parts_.slot_bytes);
    return parts_.lamport[slot][rank] + offset - slot * parts_.slot_bytes;
  }

  const View& parts_;
};
static_assert(MemoryOps<TrtllmOps<TrtllmView>>);

template <class T, Algorithm kAlgorithm, class View, PacketContribution Contribution, PacketEpilogue Epilogue>
__global__ void __launch_bounds__(kMaxThreads)
    trtllm_kernel(const __grid_constant__ View view, const __grid_constant__ Contribution contribution,
                  const __grid_constant__ MessageSpan message, const __grid_constant__ Epilogue epilogue) {
  const AnyWorld world{view.world_size};
  TrtllmOps<View> ops(view);
  if constexpr (Epilogue::kRows) {
    __shared__ float scratch[32];
    const RowLoops partition(view.rank, message, static_cast<std::uint32_t>(epilogue.hidden / kLanes<T>), scratch);
    one_shot<T>(ops, partition, world, view, contribution, message, epilogue);
  } else {
    const ShareLoops partition(view.rank, view.world_size, message);
    if constexpr (kAlgorithm == Algorithm::one_shot) {
      one_shot_push<T>(ops, partition, world, view, contribution, message, epilogue);
    } else if constexpr (kAlgorithm == Algorithm::one_shot_pull) {
      one_shot_pull<T>(ops, partition, world, view, contribution, epilogue);
    } else {
      two_shot_pull<T>(ops, partition, world, view, contribution, epilogue);
    }
  }
}

template <class T, class Code, Algorithm kAlgorithm, class View>
int launch_trtllm(const LaunchShape& shape, void* stream, const AllreduceCall& call) {
  return launch_collective<T, Code, View, WorkspaceKind::trtllm>(
      trtllm_kernel<T, kAlgorithm, View, ContributionOf<Code, T>, EpilogueOf<Code, T>>, shape, stream, call);
}

template <class T, Pattern kPattern, Algorithm kAlgorithm, KernelForm kForm>
constexpr LaunchRow trtllm_row() {
  using Code = PatternCode<kPattern>;
  constexpr bool kFixed = kForm == KernelForm::fixed;
  using View = std::conditional_t<kFixed, TrtllmView, ConfigurableView<TrtllmView>>;
  LaunchRow row{key_of<T, Code, WorkspaceKind::trtllm>(kAlgorithm, {2, TrtllmView::kMostRanks}),
                launch_trtllm<T, Code, kAlgorithm, View>, kFixed ? kWhyOneForAll : kWhySetAtLaunch};
  row.key.form = kForm;
  return row;
}
template <class T, KernelForm... kForms>
inline constexpr LaunchRow kTrtllmFlagRows[] = {
    trtllm_row<T, Pattern::allreduce, Algorithm::one_shot, kForms>()...,
    trtllm_row<T, Pattern::allreduce, Algorithm::one_shot_pull, kForms>()...,
    trtllm_row<T, Pattern::allreduce, Algorithm::two_shot_barrier, kForms>()...,
};
template <class T, KernelForm... kForms>
inline constexpr LaunchRow kTrtllmLamportRows[] = {
    trtllm_row<T, Pattern::residual_rmsnorm, Algorithm::one_shot, kForms>()...};

}  // namespace symmbench::cuda
