#include "plan/algorithm_choice.hpp"

#include "workspace/capacity.hpp"

namespace symmbench {

std::uint64_t one_shot_limit_bytes(Pattern pattern, int world_size) {
  constexpr std::uint64_t kKiB = 1024, kMiB = 1024 * kKiB;
  if (world_size <= 2) return pattern == Pattern::allreduce ? UINT64_MAX : 64 * kMiB - 1;
  const auto ranks = static_cast<std::uint64_t>(world_size);
  return 288 * kKiB * ranks / ((ranks - 1) * (ranks - 2));
}

Algorithm choose_algorithm(const CallShape& shape) {
  const bool small = shape.message_bytes() <= one_shot_limit_bytes(shape.pattern, shape.world_size);
  const FusionLayout own_size{shape.world_size, shape.message_bytes(), element_bytes(shape.dtype)};
  for (const auto algorithm : {Algorithm::one_shot, Algorithm::two_shot}) {
    if (algorithm == Algorithm::one_shot && !small) continue;
    CallShape candidate = shape;
    candidate.algorithm = algorithm;
    if (!capacity_problem(own_size, candidate)) return algorithm;
  }
  return Algorithm::two_shot_barrier;
}

}  // namespace symmbench
