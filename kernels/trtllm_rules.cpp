#include "kernels/trtllm_rules.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/round.hpp"
#include "kernels/patterns.hpp"
#include "kernels/protocol/trtllm_layout.hpp"

namespace symmbench {
namespace {

/// Blocks that upstream gives a row of `warps` warps: a cluster, whose blocks take equal numbers of warps.
std::uint64_t cluster_of_row(const CallShape& shape, std::uint64_t warps) {
  constexpr std::uint64_t kMostBlocks = 8;
  const std::uint64_t few = shape.world_size == 2 ? 32 : 16;
  return std::min(ceil_div(warps, shape.hidden >= 4096 ? 4 : few), kMostBlocks);
}

/// Rows by Lamport packets.
std::optional<std::string> lamport_problem(const CallShape& shape) {
  const auto name = name_of(shape.pattern);
  if (shape.algorithm != Algorithm::one_shot) {
    return fmt::format("{} over trtllm sends Lamport packets, as one_shot: it has no {}", name,
                       name_of(shape.algorithm));
  }
  if (element_bytes(shape.dtype) != 2) {
    return fmt::format("{} over trtllm has no form for {}: fp16 or bf16", name, name_of(shape.dtype));
  }
  if (shape.tokens > kTrtllmLamportTokens) {
    return fmt::format("{} over trtllm is for up to {} tokens, not {}", name, kTrtllmLamportTokens, shape.tokens);
  }
  if (shape.hidden % kTrtllmLamportHidden != 0) {
    return fmt::format("{} over trtllm: hidden must be a multiple of {}, not {}", name, kTrtllmLamportHidden,
                       shape.hidden);
  }
  const std::uint64_t warps = shape.hidden / kTrtllmLamportHidden, cluster = cluster_of_row(shape, warps);
  if (warps % cluster == 0) return std::nullopt;
  return fmt::format(
      "{} over trtllm: a row of {} is {} warps, which upstream's cluster of {} blocks does not divide: it left "
      "elements "
      "out",
      name, shape.hidden, warps, cluster);
}

}  // namespace

std::optional<std::string> trtllm_problem(const CallShape& shape) {
  if (shape.pattern == Pattern::residual_rmsnorm) return lamport_problem(shape);
  if (shape.pattern != Pattern::allreduce) {
    return fmt::format("trtllm is for allreduce and residual_rmsnorm, not for {}", name_of(shape.pattern));
  }
  if (shape.blocks > kTrtllmBlocks) {
    return fmt::format("{} blocks, but trtllm has flags for {}", shape.blocks, kTrtllmBlocks);
  }
  const std::uint64_t parts = static_cast<std::uint64_t>(shape.world_size) * kPacketBytes / element_bytes(shape.dtype);
  if (shape.algorithm == Algorithm::two_shot_barrier && shape.elements() % parts != 0) {
    return fmt::format(
        "two_shot_barrier over trtllm cuts a message into a part of whole packets for each rank: {} elements are no "
        "multiple of {}",
        shape.elements(), parts);
  }
  return std::nullopt;
}

}  // namespace symmbench
