#pragma once
#include <cstdint>

#include "catalog/catalog.hpp"

namespace symmbench {

enum class Algorithm : std::uint8_t { one_shot, two_shot, two_shot_barrier, one_shot_pull, nccl, nccl_symmetric };

struct AlgorithmRow {
  Algorithm value;
  std::string_view name;
  std::string_view about;
  int steps;       ///< communication steps: 1 sends (W-1) S per rank, 2 send 2 (W-1)/W S; 0: not known
  bool reference;  ///< another library's, measured beside ours: it brings its own memory and never is what `auto` takes
  bool now = true;
};

inline constexpr AlgorithmRow kAlgorithms[] = {
    {Algorithm::one_shot, "one_shot",
     "every rank sends everything to all: Lamport packets; plain sums over trtllm are ordered by flags", 1, false},
    {Algorithm::two_shot, "two_shot", "reduce-scatter and all-gather, Lamport packets in both steps", 2, false},
    {Algorithm::two_shot_barrier, "two_shot_barrier", "the same two steps between flag barriers, as upstream", 2,
     false},
    {Algorithm::one_shot_pull, "one_shot_pull",
     "over trtllm: every rank reads everything from all, behind a flag barrier", 1, false},
    {Algorithm::nccl, "nccl", "NCCL's plain allreduce beside ours, once per case; on cuda, where libnccl.so.2 is", 0,
     true},
    {Algorithm::nccl_symmetric, "nccl_symmetric",
     "the same over registered windows (NCCL 2.27 or later), whose kernels read and write peers; never with multicast",
     0, true},
};
static_assert(in_enum_order(kAlgorithms));

constexpr std::string_view name_of(Algorithm algorithm) { return row_of(kAlgorithms, algorithm).name; }
constexpr std::optional<Algorithm> algorithm_from(std::string_view name) { return value_named(kAlgorithms, name); }
constexpr bool is_reference(Algorithm algorithm) { return row_of(kAlgorithms, algorithm).reference; }
constexpr bool names_reference(std::string_view name) {
  const auto algorithm = algorithm_from(name);
  return algorithm && is_reference(*algorithm);
}

/// Whether the algorithm sums in rank order, in fp32: its results then are the same bits on every rank, one rounding
/// from the sum. A reference promises neither: it may keep partial sums in the element type, in any order.
constexpr bool sums_in_rank_order(Algorithm algorithm) { return !is_reference(algorithm); }

}  // namespace symmbench
