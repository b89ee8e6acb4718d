#pragma once
#include <algorithm>
#include <array>

#include "kernels/host/host_ops.hpp"
#include "kernels/host/host_partition.hpp"
#include "kernels/host/launch_table.hpp"
#include "kernels/pattern_code.hpp"
#include "kernels/protocol/flagged_two_shot.hpp"
#include "kernels/protocol/one_shot.hpp"
#include "kernels/protocol/two_shot.hpp"
#include "kernels/protocol/two_shot_barrier.hpp"
#include "kernels/visit_dtype.hpp"
#include "kernels/workspace_code.hpp"

namespace symmbench::host {

// One block of a collective on the host device: the protocol text with host policies. Ops is a parameter so that tests
// can put a broken one in.

/// Block `block` of `blocks` of one collective call of this rank.
template <class Ops, class T, class Code, Algorithm kAlgorithm, WorkspaceKind kWorkspace = WorkspaceKind::trtllm_fusion,
          class World>
void run_block(Ops& ops, World world, const AllreduceCall& call, const WorkspaceView& view, std::uint32_t block,
               std::uint32_t blocks) {
  const auto contribution = Code::template contribution<T>(call);
  const auto epilogue = Code::template epilogue<T>(call);
  const auto message = WorkspaceCode<kWorkspace>::message(call.shape);
  constexpr bool kByFlags = kWorkspace == WorkspaceKind::trtllm && !epilogue.kRows;
  const auto run = [&](const auto& partition) {
    if constexpr (kByFlags && kAlgorithm == Algorithm::one_shot) {
      one_shot_push<T>(ops, partition, world, view, contribution, message, epilogue);
    } else if constexpr (kByFlags && kAlgorithm == Algorithm::one_shot_pull) {
      one_shot_pull<T>(ops, partition, world, view, contribution, epilogue);
    } else if constexpr (kByFlags) {
      two_shot_pull<T>(ops, partition, world, view, contribution, epilogue);
    } else if constexpr (kAlgorithm == Algorithm::one_shot) {
      one_shot<T>(ops, partition, world, view, contribution, message, epilogue);
    } else if constexpr (kAlgorithm == Algorithm::two_shot) {
      two_shot<T>(ops, partition, world, view, contribution, message, epilogue);
    } else {
      two_shot_barrier<T>(ops, partition, world, view, contribution, message, epilogue);
    }
  };
  if constexpr (std::is_same_v<decltype(message), const TokenSpan>) {
    run(TokensPartition(block, blocks, message, view.rank, view.world_size));
  } else if constexpr (epilogue.kRows) {
    run(RowsPartition(block, blocks, message, call.shape.hidden / kLanes<T>, view.rank));
  } else if constexpr (kAlgorithm == Algorithm::one_shot || kAlgorithm == Algorithm::one_shot_pull) {
    run(MessagePartition(block, blocks, message));
  } else {
    run(SharePartition(block, blocks, message, view.rank, view.world_size));
  }
}

template <class Ops, class T, class Code, Algorithm kAlgorithm, WorkspaceKind kWorkspace, class World>
void run_block_of_row(const AllreduceCall& call, const WorkspaceView& view, std::uint32_t block, std::uint32_t blocks) {
  Ops ops(view, call.shape.rounds_each_addition());
  if constexpr (std::is_same_v<World, AnyWorld>) {
    run_block<Ops, T, Code, kAlgorithm, kWorkspace>(ops, AnyWorld{view.world_size}, call, view, block, blocks);
  } else {
    run_block<Ops, T, Code, kAlgorithm, kWorkspace>(ops, World{}, call, view, block, blocks);
  }
}

template <class Ops, class T, Pattern kPattern, Algorithm kAlgorithm, int kRanks>
inline constexpr BlockRow kRowOf{{WorkspaceKind::trtllm_fusion,
                                  TransportKind::unicast,
                                  kAlgorithm,
                                  kPattern,
                                  kDTypeOf<T>,
                                  {kRanks, kRanks},
                                  0,
                                  KernelForm::configurable},
                                 run_block_of_row<Ops, T, typename PatternCode<kPattern>::Kernel, kAlgorithm,
                                                  WorkspaceKind::trtllm_fusion, FixedWorld<kRanks>>};
/// Of a kernel for any number of ranks.
constexpr LaunchKey key_of_any(WorkspaceKind workspace, Algorithm algorithm, Pattern pattern, DType dtype) {
  return {workspace, TransportKind::unicast, algorithm, pattern, dtype, {1, kMaxRanks}, 0, KernelForm::configurable};
}
template <class Ops, class T, Pattern kPattern, Algorithm kAlgorithm,
          WorkspaceKind kWorkspace = WorkspaceKind::trtllm_fusion>
inline constexpr BlockRow kRowOfAny{
    key_of_any(kWorkspace, kAlgorithm, kPattern, kDTypeOf<T>),
    run_block_of_row<Ops, T, typename PatternCode<kPattern>::Kernel, kAlgorithm, kWorkspace, AnyWorld>};

/// 2, 4, 8 and 16 ranks, but by loops that know no number of ranks.
template <class Ops, class T, Pattern kPattern, Algorithm kAlgorithm>
inline constexpr std::array kLoopedRows = [] {
  std::array<BlockRow, 4> rows{};
  auto* row = rows.data();
  for (const int ranks : {2, 4, 8, 16}) {
    *row = kRowOfAny<Ops, T, kPattern, kAlgorithm>;
    row++->key.worlds = {ranks, ranks};
  }
  return rows;
}();
template <class Ops, class T, Pattern kPattern, Algorithm kAlgorithm>
inline constexpr std::array kUnrolledRows{
    kRowOf<Ops, T, kPattern, kAlgorithm, 2>, kRowOf<Ops, T, kPattern, kAlgorithm, 4>,
    kRowOf<Ops, T, kPattern, kAlgorithm, 8>, kRowOf<Ops, T, kPattern, kAlgorithm, 16>};

template <std::size_t... kSizes>
constexpr auto joined(const std::array<BlockRow, kSizes>&... parts) {
  std::array<BlockRow, (kSizes + ...)> rows{};
  auto* to = rows.data();
  ((to = std::copy(parts.begin(), parts.end(), to)), ...);
  return rows;
}

/// Whose loops over ranks are unrolled as on a GPU: one pattern of each family, in one element type. What the many kernels
/// of the others would cost to compile is more than their loops cost to run.
template <class T>
constexpr bool is_unrolled(Pattern pattern) {
  return std::is_same_v<T, Bf16> && (pattern == Pattern::allreduce || pattern == Pattern::residual_rmsnorm);
}

template <class T, std::size_t kRow>
inline constexpr bool kRuns = [] {
  if constexpr (kPatterns[kRow].now) {
    return sizeof(T) <= PatternCode<kPatterns[kRow].value>::kLargestElement;
  } else {
    return false;
  }
}();

/// The rows of a row of the catalogue of patterns: none where this version does not run it, or not with T.
template <class Ops, class T, Algorithm kAlgorithm, std::size_t kRow>
constexpr auto rows_of_pattern() {
  constexpr Pattern kPattern = kPatterns[kRow].value;
  if constexpr (!kRuns<T, kRow>) {
    return std::array<BlockRow, 0>{};
  } else if constexpr (is_unrolled<T>(kPattern)) {
    return kUnrolledRows<Ops, T, kPattern, kAlgorithm>;
  } else {
    return kLoopedRows<Ops, T, kPattern, kAlgorithm>;
  }
}

/// What is instantiated of one element type: 2, 4, 8 and 16 ranks for every pattern; any other number for plain
/// allreduce only, which is all that the tool promises for them.
template <class Ops, class T>
inline constexpr auto kRowsOfType = [] {
  const auto rows_of = []<Algorithm kAlgorithm, std::size_t... kRows>(std::integral_constant<Algorithm, kAlgorithm>,
                                                                      std::index_sequence<kRows...>) {
    return joined(rows_of_pattern<Ops, T, kAlgorithm, kRows>()...,
                  std::array{kRowOfAny<Ops, T, Pattern::allreduce, kAlgorithm>});
  };
  return joined(rows_of(std::integral_constant<Algorithm, Algorithm::one_shot>{}, PatternRows{}),
                rows_of(std::integral_constant<Algorithm, Algorithm::two_shot>{}, PatternRows{}),
                rows_of(std::integral_constant<Algorithm, Algorithm::two_shot_barrier>{}, PatternRows{}));
}();

/// Of the mnnvl workspace: one kernel for any number of ranks. That the loops over ranks unroll alike is proved by those
/// above.
template <class Ops, class T, Algorithm kAlgorithm, std::size_t kRow>
constexpr auto token_rows_of() {
  if constexpr (kRuns<T, kRow>) {
    return std::array{kRowOfAny<Ops, T, kPatterns[kRow].value, kAlgorithm, WorkspaceKind::mnnvl>};
  } else {
    return std::array<BlockRow, 0>{};
  }
}
template <class Ops, class T>
inline constexpr auto kTokenRows = []<std::size_t... kRows>(std::index_sequence<kRows...>) {
  return joined(token_rows_of<Ops, T, Algorithm::one_shot, kRows>()...,
                token_rows_of<Ops, T, Algorithm::two_shot, kRows>()...);
}
(PatternRows{});

/// Of the trtllm workspace: the same. Lamport packets are for rows of 16-bit types.
template <class Ops, class T>
constexpr auto trtllm_rows_of_type() {
  constexpr WorkspaceKind kWorkspace = WorkspaceKind::trtllm;
  constexpr std::array kByFlags{kRowOfAny<Ops, T, Pattern::allreduce, Algorithm::one_shot, kWorkspace>,
                                kRowOfAny<Ops, T, Pattern::allreduce, Algorithm::one_shot_pull, kWorkspace>,
                                kRowOfAny<Ops, T, Pattern::allreduce, Algorithm::two_shot_barrier, kWorkspace>};
  if constexpr (sizeof(T) == sizeof(float)) {
    return kByFlags;
  } else {
    return joined(kByFlags, std::array{kRowOfAny<Ops, T, Pattern::residual_rmsnorm, Algorithm::one_shot, kWorkspace>});
  }
}

template <class T>
std::span<const BlockRow> rows_of_type() {
  return kRowsOfType<HostOps, T>;
}

}  // namespace symmbench::host
