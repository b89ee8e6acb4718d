#pragma once
#include <cstdint>

#include "config/tuning.hpp"
#include "kernels/kernel_set.hpp"

namespace symmbench {

/// Largest message for which one_shot is expected to beat two_shot. UINT64_MAX: always.
///
/// Measured on 4 ranks: 192 KiB, plain and fused alike. On 2 ranks both send the same bytes and one_shot saves a hop;
/// with a scale per group, two_shot wins from 4 MiB, where kernels for more rows than fit a GPU at once begin
/// (configs/tuning/sm90.json). Other rank counts follow from bytes on the wire: one_shot sends (W-1) S, two_shot 2
/// (W-1)/W S and one more hop, so they meet where (W-1)(W-2)/W S is what a hop costs, 288 KiB at W = 4.
std::uint64_t one_shot_limit_bytes(Pattern pattern, int world_size);

/// What `--algorithm auto` means for a message, and who says so.
struct AlgorithmChoice {
  Algorithm algorithm = Algorithm::one_shot;
  std::string source;  ///< TuningTable::name, or "computed" where one_shot_limit_bytes() or the capacity decided
};

/// The table's algorithm where it names one that can hold the message; else one_shot up to one_shot_limit_bytes() and
/// two_shot above. A message beyond what a Lamport slot can ever hold takes two_shot_barrier, whose comm segment has no
/// such limit, where the workspace has one.
AlgorithmChoice choose_algorithm(const CallShape& shape, const TuningTable& tuning);

}  // namespace symmbench
