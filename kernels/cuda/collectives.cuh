#pragma once
#include <type_traits>

#include "kernels/cuda/collectives.hpp"
#include "kernels/cuda/cuda_loops.cuh"
#include "kernels/cuda/cuda_ops.cuh"
#include "kernels/cuda/cuda_rows.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/fused_epilogue.hpp"
#include "kernels/protocol/one_shot.hpp"
#include "kernels/protocol/two_shot.hpp"
#include "kernels/protocol/two_shot_barrier.hpp"

namespace symmbench::cuda {

// The __global__ functions: the protocol text with the policies of a GPU.
//
// What is instantiated, for each of fp16, bf16, fp32 (one .cu file per dtype and column, so that a build can spread):
//                          plain                    fused                why
//   one_shot, two_shot     2, 4, 8, 16, any ranks   2, 4, 8, 16 ranks    loops over ranks unroll, packets in registers
//   (throughput)                                    2, 4 ranks           more rows than fit at once, from 4 MiB
//   two_shot_barrier       any ranks                any ranks            the second opinion: compile time before speed
// Programmatic dependent launch needs no variants: without the launch attribute its instructions do nothing.

template <class World>
inline constexpr int kRanksOf = kMaxRanks;
template <int N>
inline constexpr int kRanksOf<FixedWorld<N>> = N;

template <class World, class View>
__device__ __forceinline__ World world_of(const View& view) {
  if constexpr (std::is_same_v<World, AnyWorld>) {
    return {view.world_size};
  } else {
    return {};
  }
}

/// From here on a fused message has more rows than a GPU holds at once.
inline constexpr std::uint64_t kThroughputBytes = 4ull << 20;

/// Blocks per SM that the compiler must leave registers for. Beyond 8 ranks a thread holds eight packets at a time.
template <class World>
inline constexpr int kBlocksPerSm = 1;
template <int N>
inline constexpr int kBlocksPerSm<FixedWorld<N>> = N <= 4 ? 2 : 1;

template <class T, class World, Algorithm kAlgorithm>
__global__ void __launch_bounds__(kMaxThreads, kBlocksPerSm<World>)
    plain_kernel(const __grid_constant__ LamportView<kRanksOf<World>> view, const __grid_constant__ MessageSpan message,
                 const __grid_constant__ StoreSum<T> epilogue) {
  const World world = world_of<World>(view);
  CudaOps<LamportView<kRanksOf<World>>, Trigger::after_wait> ops(view);
  if constexpr (kAlgorithm == Algorithm::one_shot) {
    one_shot<T>(ops, MessagePartition(message), world, view, message, epilogue);
  } else {
    two_shot<T>(ops, SharePartition(world, view.rank, message), world, view, message, epilogue);
  }
}

template <class T, Tuning kTuning, Algorithm kAlgorithm, class World, class View>
__device__ __forceinline__ void fused_body(const View& view, const MessageSpan& message,
                                           const ResidualRmsNorm<T>& epilogue) {
  constexpr RowOrder kOrder = kAlgorithm == Algorithm::one_shot ? RowOrder::in_turn : RowOrder::by_owner;
  __shared__ RowShared shared;
  const World world = world_of<World>(view);
  // Measured: a two-shot gains 1 % by late constants where registers are few, a one-shot loses 1 to 3 %.
  constexpr bool kLate = kTuning == Tuning::throughput && kAlgorithm == Algorithm::two_shot;
  CudaOps<View, Trigger::after_push, kTuning, kLate> ops(view);
  const auto row_packets = static_cast<std::uint32_t>(epilogue.hidden / kLanes<T>);
  const RowsPartition<kOrder, kTuning> partition(world, view.rank, message, row_packets, shared);
  if constexpr (kAlgorithm == Algorithm::one_shot) {
    one_shot<T>(ops, partition, world, view, message, epilogue);
  } else {
    two_shot<T>(ops, partition, world, view, message, epilogue);
  }
  partition.drain();
}

template <class T, class World, Algorithm kAlgorithm>
__global__ void __launch_bounds__(kMaxThreads, kBlocksPerSm<World>)
    fused_kernel(const __grid_constant__ LamportView<kRanksOf<World>> view, const __grid_constant__ MessageSpan message,
                 const __grid_constant__ ResidualRmsNorm<T> epilogue) {
  fused_body<T, Tuning::latency, kAlgorithm, World>(view, message, epilogue);
}

/// 40 registers, 1536 threads per SM: a few spills cost less than rows that are not under way (2 GPUs, 64 Mi: 64
/// registers 211 us, 48 206, 40 199).
template <class T, class World, Algorithm kAlgorithm>
__global__ void __maxnreg__(40) fused_throughput_kernel(const __grid_constant__ LamportView<kRanksOf<World>> view,
                                                        const __grid_constant__ MessageSpan message,
                                                        const __grid_constant__ ResidualRmsNorm<T> epilogue) {
  fused_body<T, Tuning::throughput, kAlgorithm, World>(view, message, epilogue);
}

template <class T, class Epilogue>
__global__ void __launch_bounds__(kMaxThreads)
    barrier_kernel(const __grid_constant__ BarrierView view, const __grid_constant__ MessageSpan message,
                   const __grid_constant__ Epilogue epilogue) {
  const AnyWorld world{view.world_size};
  CudaOps<BarrierView, Trigger::after_push> ops(view);
  if constexpr (Epilogue::kRows) {
    __shared__ float scratch[32];
    const RowLoops partition(view.rank, message, static_cast<std::uint32_t>(epilogue.hidden / kLanes<T>), scratch);
    two_shot_barrier<T>(ops, partition, world, view, message, epilogue);
  } else {
    two_shot_barrier<T>(ops, ShareLoops(view.rank, view.world_size, message), world, view, message, epilogue);
  }
}

inline MessageSpan message_of(const AllreduceCall& call) {
  return symmbench::message_of(call.input, call.shape.packets(), call.view->world_size);
}

template <class T, class World>
int launch_plain_world(const LaunchShape& shape, void* stream, const AllreduceCall& call) {
  const LamportView<kRanksOf<World>> view(*call.view);
  const auto kernel = call.shape.algorithm == Algorithm::one_shot ? plain_kernel<T, World, Algorithm::one_shot>
                                                                  : plain_kernel<T, World, Algorithm::two_shot>;
  return launch(kernel, shape, stream, view, message_of(call), StoreSum<T>{call.output});
}
template <class T, class World>
int launch_fused_world(const LaunchShape& shape, void* stream, const AllreduceCall& call) {
  const LamportView<kRanksOf<World>> view(*call.view);
  const bool one_shot = call.shape.algorithm == Algorithm::one_shot;
  auto kernel = one_shot ? fused_kernel<T, World, Algorithm::one_shot> : fused_kernel<T, World, Algorithm::two_shot>;
  if constexpr (kRanksOf<World> <= 4) {
    if (call.shape.message_bytes() >= kThroughputBytes) {
      kernel = one_shot ? fused_throughput_kernel<T, World, Algorithm::one_shot>
                        : fused_throughput_kernel<T, World, Algorithm::two_shot>;
    }
  }
  return launch(kernel, shape, stream, view, message_of(call), fused_epilogue<T>(call));
}

template <class T>
int launch_plain_of(const LaunchShape& shape, void* stream, const AllreduceCall& call) {
  switch (call.view->world_size) {
    case 2:
      return launch_plain_world<T, FixedWorld<2>>(shape, stream, call);
    case 4:
      return launch_plain_world<T, FixedWorld<4>>(shape, stream, call);
    case 8:
      return launch_plain_world<T, FixedWorld<8>>(shape, stream, call);
    case 16:
      return launch_plain_world<T, FixedWorld<16>>(shape, stream, call);
    default:
      return launch_plain_world<T, AnyWorld>(shape, stream, call);
  }
}

template <class T>
int launch_fused_of(const LaunchShape& shape, void* stream, const AllreduceCall& call) {
  switch (call.view->world_size) {
    case 2:
      return launch_fused_world<T, FixedWorld<2>>(shape, stream, call);
    case 4:
      return launch_fused_world<T, FixedWorld<4>>(shape, stream, call);
    case 8:
      return launch_fused_world<T, FixedWorld<8>>(shape, stream, call);
    case 16:
      return launch_fused_world<T, FixedWorld<16>>(shape, stream, call);
    default:
      return static_cast<int>(cudaErrorInvalidValue);
  }
}

template <class T>
int launch_barrier_of(const LaunchShape& shape, void* stream, const AllreduceCall& call) {
  if (call.shape.pattern == Pattern::allreduce) {
    return launch(barrier_kernel<T, StoreSum<T>>, shape, stream, BarrierView(*call.view), message_of(call),
                  StoreSum<T>{call.output});
  }
  return launch(barrier_kernel<T, ResidualRmsNorm<T>>, shape, stream, BarrierView(*call.view), message_of(call),
                fused_epilogue<T>(call));
}

}  // namespace symmbench::cuda
