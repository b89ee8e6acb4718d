#include "kernels/cuda/launch_shape.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/round.hpp"
#include "kernels/patterns.hpp"
#include "kernels/protocol/trtllm_layout.hpp"

namespace symmbench {
namespace {

constexpr std::uint64_t kWarp = 32;
/// Small messages are spread: about one block per SM while blocks are small, then blocks of kMaxThreads.
constexpr std::uint64_t kSpread = 128;

/// Plain Lamport kernels: one packet per thread; a two-shot's blocks serve one owner each.
struct PlainGrid {
  std::uint64_t packets;  ///< of one piece: the message, or a share
  std::uint64_t pieces;
  std::uint64_t blocks(std::uint64_t threads) const { return pieces * ceil_div(packets, threads); }
};
PlainGrid plain_grid(const CallShape& shape) {
  const auto ranks = static_cast<std::uint64_t>(shape.world_size);
  if (shape.algorithm == Algorithm::one_shot) return {shape.packets(), 1};
  if (row_of(kWorkspaceKinds, shape.workspace).by_tokens) {
    return {ceil_div(shape.tokens, ranks) * shape.row_packets(), ranks};
  }
  return {ceil_div(shape.packets(), ranks), ranks};
}
std::uint64_t plain_threads(const CallShape& shape) {
  if (shape.threads != 0) return shape.threads;
  const PlainGrid grid = plain_grid(shape);
  const std::uint64_t blocks =
      shape.blocks != 0 ? std::max<std::uint64_t>(shape.blocks / grid.pieces, 1) : ceil_div(kSpread, grid.pieces);
  const std::uint64_t wanted = round_up(ceil_div(grid.packets, blocks), kWarp);
  return std::min<std::uint64_t>(wanted, kMaxThreads);
}

/// Fused Lamport kernels: a cluster per row. While rows are few, small blocks spread them, from 1 MiB on only where threads
/// compute no more than the norm (sums of scattered rows wait for memory); between one and two waves of rows large blocks
/// win; above, 256 threads fill an SM best, and from 32 MiB on 512 are equal or better (2 and 4 H200s).
std::uint64_t row_threads(const CallShape& shape) {
  const std::uint64_t mebibytes = shape.message_bytes() >> 20;
  if (shape.threads != 0) return shape.threads;
  if (mebibytes >= 32) return 512;
  if (mebibytes >= 4) return shape.world_size == 2 && mebibytes < 8 ? 512 : 256;
  if (mebibytes >= 2) return 512;
  const bool more_to_do =
      shape.pattern != Pattern::residual_rmsnorm && shape.pattern != Pattern::moe_finalize_residual_rmsnorm;
  if (mebibytes >= 1 && more_to_do) return 512;
  return shape.message_bytes() > (512ull << 10) && shape.world_size > 2 ? 512 : 128;
}
std::uint64_t row_blocks(const CallShape& shape) {
  const std::uint64_t threads = row_threads(shape);
  // At least two: a cluster of one has no asynchronous stores.
  const std::uint64_t blocks = std::max<std::uint64_t>(ceil_div(shape.row_packets(), threads), 2);
  return shape.threads != 0 ? blocks : std::min<std::uint64_t>(blocks, kMaxRowBlocks);
}
std::uint64_t row_clusters(const CallShape& shape) {
  const auto ranks = static_cast<std::uint64_t>(shape.world_size);
  return shape.algorithm == Algorithm::one_shot ? shape.tokens : round_up(shape.tokens, ranks);
}

/// Kernels whose grid is bounded by their flags: blocks loop over the message.
bool by_loops(const CallShape& shape) {
  return shape.algorithm == Algorithm::two_shot_barrier || shape.workspace == WorkspaceKind::trtllm;
}
LaunchShape looped_shape(const CallShape& shape) {
  const std::uint64_t threads =
      shape.threads != 0 ? shape.threads
                         : std::min<std::uint64_t>(by_rows(shape) ? round_up(shape.row_packets(), kWarp) : 512, 512);
  const std::uint64_t units =
      by_rows(shape) ? shape.tokens : ceil_div(shape.packets(), static_cast<std::uint64_t>(shape.world_size) * threads);
  const std::uint64_t most = shape.workspace == WorkspaceKind::trtllm ? kTrtllmBlocks : 128;
  const std::uint64_t blocks = shape.blocks != 0 ? shape.blocks : std::min<std::uint64_t>(units, most);
  return {static_cast<std::uint32_t>(blocks), static_cast<std::uint32_t>(threads), 1, shape.pdl};
}

std::uint64_t needed_blocks(const CallShape& shape) {
  if (!by_rows(shape)) return plain_grid(shape).blocks(plain_threads(shape));
  return row_clusters(shape) * row_blocks(shape);
}

}  // namespace

LaunchShape cuda_launch_shape(const CallShape& shape) {
  if (by_loops(shape)) return looped_shape(shape);
  LaunchShape launch{.pdl = shape.pdl};
  launch.blocks = static_cast<std::uint32_t>(std::max<std::uint64_t>(needed_blocks(shape), shape.blocks));
  if (!by_rows(shape)) {
    launch.threads = static_cast<std::uint32_t>(plain_threads(shape));
    return launch;
  }
  launch.cluster = static_cast<std::uint32_t>(row_blocks(shape));
  // A group that one warp handles together is never cut over blocks either.
  const std::uint64_t per_block =
      round_up(ceil_div(shape.row_packets(), launch.cluster), spec_of(shape.pattern).group_packets(shape.dtype));
  launch.threads = static_cast<std::uint32_t>(round_up(per_block, kWarp));
  return launch;
}

std::optional<std::string> launch_problem(const CallShape& shape) {
  if (shape.threads % kWarp != 0 || shape.threads > kMaxThreads) {
    return fmt::format("{} threads per block are no multiple of {} up to {}", shape.threads, kWarp, kMaxThreads);
  }
  if (by_loops(shape)) return std::nullopt;
  if (by_rows(shape)) {
    const std::uint64_t threads = shape.threads != 0 ? shape.threads : kMaxThreads;
    if (shape.row_packets() > kMaxRowBlocks * threads) {
      return fmt::format("a row of {} packets of 16 bytes exceeds a cluster of {} blocks of {} threads",
                         shape.row_packets(), kMaxRowBlocks, threads);
    }
    if (shape.blocks % row_blocks(shape) != 0) {
      return fmt::format("{} blocks are no multiple of the {} blocks of a row", shape.blocks, row_blocks(shape));
    }
  }
  const std::uint64_t needed = needed_blocks(shape);
  const std::uint64_t blocks = std::max<std::uint64_t>(needed, shape.blocks);
  if (blocks * kMaxThreads > 0xFFFFFFFFull) return fmt::format("{} blocks are more than a grid holds", blocks);
  if (shape.blocks != 0 && shape.blocks < needed) {
    return fmt::format("{} blocks asked, but this message needs {}: a thread has one packet of 16 bytes", shape.blocks,
                       needed);
  }
  return std::nullopt;
}

}  // namespace symmbench
