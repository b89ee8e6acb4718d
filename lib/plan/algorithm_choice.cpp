#include "plan/algorithm_choice.hpp"

#include "core/units.hpp"
#include "kernels/patterns.hpp"
#include "workspace/workspaces.hpp"

namespace symmbench {

std::uint64_t one_shot_limit_bytes(Pattern pattern, int world_size) {
  if (world_size <= 2) return spec_of(pattern).group_packets(DType::bf16) > 1 ? 4 * kMiB - 1 : UINT64_MAX;
  const auto ranks = static_cast<std::uint64_t>(world_size);
  return 288 * kKiB * ranks / ((ranks - 1) * (ranks - 2));
}

AlgorithmChoice choose_algorithm(const CallShape& shape, const TuningTable& tuning) {
  const MessageCapacity own_size(shape);
  const auto fits = [&](Algorithm algorithm) {
    CallShape candidate = shape;
    candidate.algorithm = algorithm;
    return !capacity_problem(own_size, candidate);
  };
  const auto tuned = tuning.algorithm_for(shape.world_size, name_of(shape.pattern), shape.dtype, shape.message_bytes());
  if (const auto algorithm = tuned ? algorithm_from(*tuned) : std::nullopt; algorithm && fits(*algorithm)) {
    return {*algorithm, tuning.name};
  }
  const std::string computed(TuningTable::kComputedTuning);
  const bool small = shape.message_bytes() <= one_shot_limit_bytes(shape.pattern, shape.world_size);
  if (small && fits(Algorithm::one_shot)) return {Algorithm::one_shot, computed};
  const bool by_barrier = !fits(Algorithm::two_shot) && fits(Algorithm::two_shot_barrier);
  return {by_barrier ? Algorithm::two_shot_barrier : Algorithm::two_shot, computed};
}

}  // namespace symmbench
