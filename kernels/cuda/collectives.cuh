#pragma once
#include <type_traits>

#include "kernels/cuda/cuda_loops.cuh"
#include "kernels/cuda/cuda_ops.cuh"
#include "kernels/cuda/cuda_rows.cuh"
#include "kernels/cuda/cuda_tokens.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/launch_table.hpp"
#include "kernels/pattern_code.hpp"
#include "kernels/protocol/one_shot.hpp"
#include "kernels/protocol/two_shot.hpp"
#include "kernels/protocol/two_shot_barrier.hpp"
#include "kernels/visit_dtype.hpp"
#include "kernels/workspace_code.hpp"

namespace symmbench::cuda {

// The __global__ functions: the protocol text with the policies of a GPU, and the rows that say which of them there are
// and why (one .cu file per dtype and kind of kernel, so that a build can spread). Programmatic dependent launch needs no
// variants: without the launch attribute its instructions do nothing.

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

/// From here on a fused message has more rows than a GPU holds at once. The sum over experts reads so much more than it
/// sends that its kernel of few registers pays later (2 GPUs, 4 Mi: 26.5 us instead of 24.8).
template <class Code>
inline constexpr std::uint64_t kThroughputBytes = 4ull << 20;
template <>
inline constexpr std::uint64_t kThroughputBytes<PatternCode<Pattern::moe_reduction_residual_rmsnorm>> = 8ull << 20;

/// Blocks per SM that the compiler must leave registers for. Beyond 8 ranks a thread holds eight packets at a time.
template <class World>
inline constexpr int kBlocksPerSm = 1;
template <int N>
inline constexpr int kBlocksPerSm<FixedWorld<N>> = N <= 4 ? 2 : 1;

template <class T, class World, Algorithm kAlgorithm, class View, PacketContribution Contribution, class Message,
          PacketEpilogue Epilogue>
__global__ void __launch_bounds__(kMaxThreads, kBlocksPerSm<World>)
    plain_kernel(const __grid_constant__ View view, const __grid_constant__ Contribution contribution,
                 const __grid_constant__ Message message, const __grid_constant__ Epilogue epilogue) {
  constexpr bool kTokens = std::is_same_v<Message, TokenSpan>;
  using Whole = std::conditional_t<kTokens, TokenPartition, MessagePartition>;
  using Shares = std::conditional_t<kTokens, TokenSharePartition, SharePartition>;
  const World world = world_of<World>(view);
  CudaOps<View, Trigger::after_wait> ops(view);
  if constexpr (kAlgorithm == Algorithm::one_shot) {
    one_shot<T>(ops, Whole(message), world, view, contribution, message, epilogue);
  } else {
    two_shot<T>(ops, Shares(world, view.rank, message), world, view, contribution, message, epilogue);
  }
}

template <class T, Tuning kTuning, Algorithm kAlgorithm, class World, class View, class Contribution, class Message,
          class Epilogue>
__device__ __forceinline__ void fused_body(const View& view, const Contribution& contribution, const Message& message,
                                           const Epilogue& epilogue) {
  constexpr RowOrder kOfTwoShot = std::is_same_v<Message, TokenSpan> ? RowOrder::by_token : RowOrder::by_owner;
  constexpr RowOrder kOrder = kAlgorithm == Algorithm::one_shot ? RowOrder::in_turn : kOfTwoShot;
  constexpr bool kLargest = Epilogue::kScope == NormScope::row;
  __shared__ RowShared<kLargest> shared;
  const World world = world_of<World>(view);
  // Measured: a two-shot gains 1 % by late constants where registers are few, a one-shot loses 1 to 3 %.
  constexpr bool kLate = kTuning == Tuning::throughput && kAlgorithm == Algorithm::two_shot;
  CudaOps<View, Trigger::after_push, kTuning, kLate> ops(view);
  const auto row_packets = static_cast<std::uint32_t>(epilogue.hidden / kLanes<T>);
  const RowsPartition<kOrder, kTuning, Epilogue::kGroupPackets, kLargest> partition(world, view.rank, message,
                                                                                    row_packets, shared);
  if constexpr (kAlgorithm == Algorithm::one_shot) {
    one_shot<T>(ops, partition, world, view, contribution, message, epilogue);
  } else {
    two_shot<T>(ops, partition, world, view, contribution, message, epilogue);
  }
  partition.drain();
}

template <class T, class World, Algorithm kAlgorithm, class View, PacketContribution Contribution, class Message,
          PacketEpilogue Epilogue>
__global__ void __launch_bounds__(kMaxThreads, kBlocksPerSm<World>)
    fused_kernel(const __grid_constant__ View view, const __grid_constant__ Contribution contribution,
                 const __grid_constant__ Message message, const __grid_constant__ Epilogue epilogue) {
  fused_body<T, Tuning::latency, kAlgorithm, World>(view, contribution, message, epilogue);
}

/// Registers of the kernels of few. 32 leave room for 2048 threads per SM, 40 for 1536: a few spills cost less than rows
/// that are not under way (2 GPUs, us at 4 and 16 Mi with the best blocks of each: residual_rmsnorm 48 registers 16.9 and
/// 53.9, 40 16.6 and 52.6, 32 16.2 and 52.3; residual_rmsnorm_dynamic_fp8 18.2 and 55.2, 17.8 and 54.2, 17.6 and 53.5).
/// On 4 ranks, which spill twice as much, 32 were not measured.
template <class World>
inline constexpr int kFewRegisters = kRanksOf<World> <= 2 ? 32 : 40;
template <class T, class World, Algorithm kAlgorithm, PacketContribution Contribution, PacketEpilogue Epilogue>
__global__ void __maxnreg__(kFewRegisters<World>)
    fused_throughput_kernel(const __grid_constant__ LamportView<kRanksOf<World>> view,
                            const __grid_constant__ Contribution contribution,
                            const __grid_constant__ MessageSpan message, const __grid_constant__ Epilogue epilogue) {
  fused_body<T, Tuning::throughput, kAlgorithm, World>(view, contribution, message, epilogue);
}

template <class T, class View, PacketContribution Contribution, PacketEpilogue Epilogue>
__global__ void __launch_bounds__(kMaxThreads)
    barrier_kernel(const __grid_constant__ View view, const __grid_constant__ Contribution contribution,
                   const __grid_constant__ MessageSpan message, const __grid_constant__ Epilogue epilogue) {
  const AnyWorld world{view.world_size};
  CudaOps<View, Trigger::after_push> ops(view);
  if constexpr (Epilogue::kRows) {
    __shared__ float scratch[32];
    const RowLoops partition(view.rank, message, static_cast<std::uint32_t>(epilogue.hidden / kLanes<T>), scratch);
    two_shot_barrier<T>(ops, partition, world, view, contribution, message, epilogue);
  } else {
    two_shot_barrier<T>(ops, ShareLoops(view.rank, view.world_size, message), world, view, contribution, message,
                        epilogue);
  }
}

/// Launches `kernel` with the arguments that every collective takes.
template <class T, class Code, class View, WorkspaceKind kWorkspace = WorkspaceKind::trtllm_fusion, class Kernel>
int launch_collective(Kernel kernel, const LaunchShape& shape, void* stream, const AllreduceCall& call) {
  const auto view = [&] {
    if constexpr (std::is_constructible_v<View, const WorkspaceView&, const CallShape&>) {
      return View(*call.view, call.shape);
    } else {
      return View(*call.view);
    }
  }();
  return launch(kernel, shape, stream, view, Code::template contribution<T>(call),
                WorkspaceCode<kWorkspace>::message(call.shape), Code::template epilogue<T>(call));
}

template <class Code, class T>
using ContributionOf = decltype(Code::template contribution<T>(AllreduceCall{}));
template <class Code, class T>
using EpilogueOf = decltype(Code::template epilogue<T>(AllreduceCall{}));

template <class T, class Code, Algorithm kAlgorithm, class World, WorkspaceKind kWorkspace,
          class View = LamportView<kRanksOf<World>>>
int launch_lamport(const LaunchShape& shape, void* stream, const AllreduceCall& call) {
  using Contribution = ContributionOf<Code, T>;
  using Message = typename WorkspaceCode<kWorkspace>::Message;
  using Epilogue = EpilogueOf<Code, T>;
  if constexpr (Epilogue::kRows) {
    return launch_collective<T, Code, View, kWorkspace>(
        fused_kernel<T, World, kAlgorithm, View, Contribution, Message, Epilogue>, shape, stream, call);
  } else {
    return launch_collective<T, Code, View, kWorkspace>(
        plain_kernel<T, World, kAlgorithm, View, Contribution, Message, Epilogue>, shape, stream, call);
  }
}

template <class T, class Code, Algorithm kAlgorithm, class World>
int launch_throughput(const LaunchShape& shape, void* stream, const AllreduceCall& call) {
  return launch_collective<T, Code, LamportView<kRanksOf<World>>>(
      fused_throughput_kernel<T, World, kAlgorithm, ContributionOf<Code, T>, EpilogueOf<Code, T>>, shape, stream, call);
}

template <class T, class Code, class View = BarrierView>
int launch_barrier(const LaunchShape& shape, void* stream, const AllreduceCall& call) {
  return launch_collective<T, Code, View>(barrier_kernel<T, View, ContributionOf<Code, T>, EpilogueOf<Code, T>>, shape,
                                          stream, call);
}

inline constexpr std::string_view kWhyUnrolled = "loops over ranks unroll, packets stay in registers";
inline constexpr std::string_view kWhyAnyRanks = "any number of ranks";
inline constexpr std::string_view kWhyFewRegisters = "few registers, for more rows than a GPU holds at once";
inline constexpr std::string_view kWhyLooped = "16 ranks by the kernel for any number";
inline constexpr std::string_view kWhyOneForAll = "one kernel for every number of ranks";
inline constexpr std::string_view kWhySetAtLaunch = "accumulate and trigger set at launch";

template <class T, class Code, WorkspaceKind kWorkspace = WorkspaceKind::trtllm_fusion>
constexpr LaunchKey key_of(Algorithm algorithm, WorldRange worlds, std::uint64_t from_bytes = 0) {
  return {kWorkspace, TransportKind::unicast, algorithm, Code::kPattern, kDTypeOf<T>, worlds, from_bytes};
}
template <class T, class Code, Algorithm kAlgorithm, int kRanks,
          WorkspaceKind kWorkspace = WorkspaceKind::trtllm_fusion>
constexpr LaunchRow lamport_row() {
  return {key_of<T, Code, kWorkspace>(kAlgorithm, {kRanks, kRanks}),
          launch_lamport<T, typename Code::Kernel, kAlgorithm, FixedWorld<kRanks>, kWorkspace>, kWhyUnrolled};
}
template <class T, class Code, Algorithm kAlgorithm, WorkspaceKind kWorkspace = WorkspaceKind::trtllm_fusion>
constexpr LaunchRow lamport_row_any(std::string_view why = kWhyAnyRanks) {
  return {key_of<T, Code, kWorkspace>(kAlgorithm, {1, kMaxRanks}),
          launch_lamport<T, typename Code::Kernel, kAlgorithm, AnyWorld, kWorkspace>, why};
}
/// A number of ranks by the kernel for any.
template <class T, class Code, Algorithm kAlgorithm, int kRanks>
constexpr LaunchRow looped_row() {
  return {key_of<T, Code>(kAlgorithm, {kRanks, kRanks}),
          launch_lamport<T, typename Code::Kernel, kAlgorithm, AnyWorld, WorkspaceKind::trtllm_fusion>, kWhyLooped};
}
template <class T, class Code, Algorithm kAlgorithm, int kRanks>
constexpr LaunchRow throughput_row() {
  return {key_of<T, Code>(kAlgorithm, {kRanks, kRanks}, kThroughputBytes<Code>),
          launch_throughput<T, typename Code::Kernel, kAlgorithm, FixedWorld<kRanks>>, kWhyFewRegisters};
}

/// Lamport protocols of a pattern that works packet by packet: 2, 4, 8 and 16 ranks, whose loops over ranks unroll, with
/// packets in registers; and one kernel for any other number.
template <class T, class Code>
inline constexpr LaunchRow kPlainRows[] = {
    lamport_row<T, Code, Algorithm::one_shot, 2>(),  lamport_row<T, Code, Algorithm::one_shot, 4>(),
    lamport_row<T, Code, Algorithm::one_shot, 8>(),  lamport_row<T, Code, Algorithm::one_shot, 16>(),
    lamport_row_any<T, Code, Algorithm::one_shot>(), lamport_row<T, Code, Algorithm::two_shot, 2>(),
    lamport_row<T, Code, Algorithm::two_shot, 4>(),  lamport_row<T, Code, Algorithm::two_shot, 8>(),
    lamport_row<T, Code, Algorithm::two_shot, 16>(), lamport_row_any<T, Code, Algorithm::two_shot>(),
};

/// Of patterns that work row by row: the same sizes but no others; and on 2 and 4 ranks a kernel of few registers for
/// messages of more rows than a GPU holds at once.
template <class T, class... Codes>
inline constexpr LaunchRow kRowsRows[] = {
    throughput_row<T, Codes, Algorithm::one_shot, 2>()..., throughput_row<T, Codes, Algorithm::one_shot, 4>()...,
    throughput_row<T, Codes, Algorithm::two_shot, 2>()..., throughput_row<T, Codes, Algorithm::two_shot, 4>()...,
    lamport_row<T, Codes, Algorithm::one_shot, 2>()...,    lamport_row<T, Codes, Algorithm::one_shot, 4>()...,
    lamport_row<T, Codes, Algorithm::one_shot, 8>()...,    lamport_row<T, Codes, Algorithm::one_shot, 16>()...,
    lamport_row<T, Codes, Algorithm::two_shot, 2>()...,    lamport_row<T, Codes, Algorithm::two_shot, 4>()...,
    lamport_row<T, Codes, Algorithm::two_shot, 8>()...,    lamport_row<T, Codes, Algorithm::two_shot, 16>()...,
};

/// The mnnvl workspace: 2, 4 and 8 ranks, which one host has, with loops over ranks that unroll; one kernel for any other
/// number of ranks, and none for messages of more rows than a GPU holds at once.
template <class T, class Code>
inline constexpr LaunchRow kTokenRowsOf[] = {
    lamport_row<T, Code, Algorithm::one_shot, 2, WorkspaceKind::mnnvl>(),
    lamport_row<T, Code, Algorithm::one_shot, 4, WorkspaceKind::mnnvl>(),
    lamport_row<T, Code, Algorithm::one_shot, 8, WorkspaceKind::mnnvl>(),
    lamport_row_any<T, Code, Algorithm::one_shot, WorkspaceKind::mnnvl>(),
    lamport_row<T, Code, Algorithm::two_shot, 2, WorkspaceKind::mnnvl>(),
    lamport_row<T, Code, Algorithm::two_shot, 4, WorkspaceKind::mnnvl>(),
    lamport_row<T, Code, Algorithm::two_shot, 8, WorkspaceKind::mnnvl>(),
    lamport_row_any<T, Code, Algorithm::two_shot, WorkspaceKind::mnnvl>(),
};

/// Quantised norms and sums over experts over mnnvl: one kernel per format and algorithm for every number of ranks. Where
/// packets lie is all that tells them from those of trtllm_fusion: no reason to compile each of those again.
template <class T, Pattern... kOf>
inline constexpr LaunchRow kTokenRowsAnyOf[] = {
    lamport_row_any<T, PatternCode<kOf>, Algorithm::one_shot, WorkspaceKind::mnnvl>(kWhyOneForAll)...,
    lamport_row_any<T, PatternCode<kOf>, Algorithm::two_shot, WorkspaceKind::mnnvl>(kWhyOneForAll)...,
};
template <class T, Pattern... kMore>
inline constexpr std::span<const LaunchRow> kTokenScaleRows =
    kTokenRowsAnyOf<T, Pattern::residual_rmsnorm_fp8, Pattern::residual_rmsnorm_out_fp8,
                    Pattern::residual_rmsnorm_dynamic_fp8, Pattern::residual_rmsnorm_out_dynamic_fp8,
                    Pattern::residual_rmsnorm_group_fp8, Pattern::residual_rmsnorm_out_group_fp8,
                    Pattern::residual_rmsnorm_mxfp8, Pattern::residual_rmsnorm_out_mxfp8, kMore...>;

/// The formats with a scale per row or group, and the sums over experts: for 16 ranks one whose loops know no number, until
/// another has been measured to be worth its compile time (that for 16 is as long as those for 2, 4 and 8 together). Both
/// patterns of a format run the same kernels.
template <class T, class... Codes>
inline constexpr LaunchRow kScaledRows[] = {
    throughput_row<T, Codes, Algorithm::one_shot, 2>()..., throughput_row<T, Codes, Algorithm::one_shot, 4>()...,
    throughput_row<T, Codes, Algorithm::two_shot, 2>()..., throughput_row<T, Codes, Algorithm::two_shot, 4>()...,
    lamport_row<T, Codes, Algorithm::one_shot, 2>()...,    lamport_row<T, Codes, Algorithm::one_shot, 4>()...,
    lamport_row<T, Codes, Algorithm::one_shot, 8>()...,    looped_row<T, Codes, Algorithm::one_shot, 16>()...,
    lamport_row<T, Codes, Algorithm::two_shot, 2>()...,    lamport_row<T, Codes, Algorithm::two_shot, 4>()...,
    lamport_row<T, Codes, Algorithm::two_shot, 8>()...,    looped_row<T, Codes, Algorithm::two_shot, 16>()...,
};
template <class T, Pattern... kOf>
inline constexpr std::span<const LaunchRow> kScaledRowsOf = kScaledRows<T, PatternCode<kOf>...>;

/// The barrier two-shot is the second opinion: one kernel for every number of ranks, compile time before speed.
template <class T, Pattern... kOf>
inline constexpr LaunchRow kBarrierRowsOf[] = {
    {key_of<T, PatternCode<kOf>>(Algorithm::two_shot_barrier, {1, kMaxRanks}),
     launch_barrier<T, typename PatternCode<kOf>::Kernel>, kWhyOneForAll}...};
template <class T, Pattern... kMore>
inline constexpr std::span<const LaunchRow> kAllBarrierRows =
    kBarrierRowsOf<T, Pattern::allreduce, Pattern::residual_rmsnorm, Pattern::residual_rmsnorm_fp8,
                   Pattern::residual_rmsnorm_out_fp8, Pattern::residual_rmsnorm_dynamic_fp8,
                   Pattern::residual_rmsnorm_out_dynamic_fp8, Pattern::residual_rmsnorm_group_fp8,
                   Pattern::residual_rmsnorm_out_group_fp8, Pattern::residual_rmsnorm_mxfp8,
                   Pattern::residual_rmsnorm_out_mxfp8, Pattern::moe_reduction_residual_rmsnorm,
                   Pattern::moe_finalize_residual_rmsnorm, kMore...>;

/// Kernels for which adding and the trigger are set at launch (KernelForm::configurable): a register more and a branch
/// or two, so that what is not asked for costs nothing where it is not. They are for comparing results and behaviour with
/// upstream's, not for speed: one for any number of ranks per algorithm, none of few registers, whatever the size.
template <class T, class Code, Algorithm kAlgorithm>
constexpr LaunchRow configurable_row() {
  constexpr WorkspaceKind kWorkspace = WorkspaceKind::trtllm_fusion;
  LaunchRow row{key_of<T, Code>(kAlgorithm, {1, kMaxRanks}), nullptr, kWhySetAtLaunch};
  row.key.form = KernelForm::configurable;
  if constexpr (kAlgorithm == Algorithm::two_shot_barrier) {
    row.launch = launch_barrier<T, typename Code::Kernel, ConfigurableView<BarrierView>>;
  } else {
    row.launch = launch_lamport<T, typename Code::Kernel, kAlgorithm, AnyWorld, kWorkspace,
                                ConfigurableView<LamportView<kMaxRanks>>>;
  }
  return row;
}
template <class T, Pattern... kOf>
inline constexpr LaunchRow kConfigurableRowsOf[] = {
    configurable_row<T, PatternCode<kOf>, Algorithm::one_shot>()...,
    configurable_row<T, PatternCode<kOf>, Algorithm::two_shot>()...,
    configurable_row<T, PatternCode<kOf>, Algorithm::two_shot_barrier>()...,
};

/// What each unit holds.
template <LaunchUnit kUnit, class T>
std::span<const LaunchRow> rows_of_unit() {
  if constexpr (kUnit == LaunchUnit::plain) {
    return kPlainRows<T, PatternCode<Pattern::allreduce>>;
  } else if constexpr (kUnit == LaunchUnit::fused) {
    return kRowsRows<T, PatternCode<Pattern::residual_rmsnorm>>;
  } else if constexpr (kUnit == LaunchUnit::fused_fp8) {
    return kRowsRows<T, PatternCode<Pattern::residual_rmsnorm_fp8>, PatternCode<Pattern::residual_rmsnorm_out_fp8>>;
  } else if constexpr (kUnit == LaunchUnit::mnnvl_plain) {
    return kTokenRowsOf<T, PatternCode<Pattern::allreduce>>;
  } else if constexpr (kUnit == LaunchUnit::mnnvl_fused) {
    return kTokenRowsOf<T, PatternCode<Pattern::residual_rmsnorm>>;
  } else if constexpr (kUnit == LaunchUnit::mnnvl_scales && sizeof(T) <= Nvfp4Format::kLargestElement) {
    return kTokenScaleRows<T, Pattern::residual_rmsnorm_nvfp4, Pattern::residual_rmsnorm_out_nvfp4>;
  } else if constexpr (kUnit == LaunchUnit::mnnvl_scales) {
    return kTokenScaleRows<T>;
  } else if constexpr (kUnit == LaunchUnit::mnnvl_experts) {
    return kTokenRowsAnyOf<T, Pattern::moe_reduction_residual_rmsnorm, Pattern::moe_finalize_residual_rmsnorm>;
  } else if constexpr (kUnit == LaunchUnit::fused_dynamic_fp8) {
    return kScaledRowsOf<T, Pattern::residual_rmsnorm_dynamic_fp8, Pattern::residual_rmsnorm_out_dynamic_fp8>;
  } else if constexpr (kUnit == LaunchUnit::fused_group_fp8) {
    return kScaledRowsOf<T, Pattern::residual_rmsnorm_group_fp8, Pattern::residual_rmsnorm_out_group_fp8>;
  } else if constexpr (kUnit == LaunchUnit::fused_mxfp8) {
    return kScaledRowsOf<T, Pattern::residual_rmsnorm_mxfp8, Pattern::residual_rmsnorm_out_mxfp8>;
  } else if constexpr (kUnit == LaunchUnit::fused_experts) {
    return kScaledRowsOf<T, Pattern::moe_reduction_residual_rmsnorm, Pattern::moe_finalize_residual_rmsnorm>;
  } else if constexpr (kUnit == LaunchUnit::fused_nvfp4) {
    return kScaledRowsOf<T, Pattern::residual_rmsnorm_nvfp4, Pattern::residual_rmsnorm_out_nvfp4>;
  } else if constexpr (kUnit == LaunchUnit::configurable && sizeof(T) == sizeof(float)) {
    // Messages of fp32 have nothing to round: of these, one of each family shows what the trigger does.
    return kConfigurableRowsOf<T, Pattern::allreduce, Pattern::residual_rmsnorm>;
  } else if constexpr (kUnit == LaunchUnit::configurable) {
    return kConfigurableRowsOf<T, Pattern::allreduce, Pattern::residual_rmsnorm, Pattern::residual_rmsnorm_fp8,
                               Pattern::residual_rmsnorm_out_fp8, Pattern::residual_rmsnorm_nvfp4,
                               Pattern::residual_rmsnorm_out_nvfp4>;
  } else if constexpr (kUnit == LaunchUnit::configurable_scales) {
    return kConfigurableRowsOf<T, Pattern::residual_rmsnorm_dynamic_fp8, Pattern::residual_rmsnorm_out_dynamic_fp8,
                               Pattern::residual_rmsnorm_group_fp8, Pattern::residual_rmsnorm_out_group_fp8,
                               Pattern::residual_rmsnorm_mxfp8, Pattern::residual_rmsnorm_out_mxfp8>;
  } else if constexpr (kUnit == LaunchUnit::configurable_experts) {
    return kConfigurableRowsOf<T, Pattern::moe_reduction_residual_rmsnorm, Pattern::moe_finalize_residual_rmsnorm>;
  } else if constexpr (sizeof(T) <= Nvfp4Format::kLargestElement) {
    return kAllBarrierRows<T, Pattern::residual_rmsnorm_nvfp4, Pattern::residual_rmsnorm_out_nvfp4>;
  } else {
    return kAllBarrierRows<T>;
  }
}

}  // namespace symmbench::cuda
