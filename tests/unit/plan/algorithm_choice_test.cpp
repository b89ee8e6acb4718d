#include "plan/algorithm_choice.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace symmbench;

namespace {

constexpr std::uint64_t kKiB = 1024, kMiB = 1024 * kKiB;

Algorithm choice(int ranks, std::uint64_t bytes, Pattern pattern = Pattern::allreduce) {
  return choose_algorithm(
      {.pattern = pattern, .dtype = DType::bf16, .world_size = ranks, .tokens = 1, .hidden = bytes / 2});
}

}  // namespace

TEST_CASE("auto takes one_shot up to 192 KiB on 4 ranks, plain and fused alike") {
  for (const auto pattern : {Pattern::allreduce, Pattern::residual_rmsnorm}) {
    CHECK(choice(4, 128 * kKiB, pattern) == Algorithm::one_shot);
    CHECK(choice(4, 192 * kKiB, pattern) == Algorithm::one_shot);
    CHECK(choice(4, 192 * kKiB + 16, pattern) == Algorithm::two_shot);
    CHECK(choice(4, 256 * kKiB, pattern) == Algorithm::two_shot);
  }
}

TEST_CASE("auto takes one_shot always on 2 ranks, except fused from 64 MiB") {
  CHECK(choice(2, 256 * kMiB) == Algorithm::one_shot);
  CHECK(choice(2, 64 * kMiB - 16, Pattern::residual_rmsnorm) == Algorithm::one_shot);
  CHECK(choice(2, 64 * kMiB, Pattern::residual_rmsnorm) == Algorithm::two_shot);
}

TEST_CASE("the more ranks, the earlier two_shot") {
  for (int ranks = 3; ranks <= 72; ++ranks) {
    CAPTURE(ranks);
    CHECK(one_shot_limit_bytes(Pattern::allreduce, ranks) < one_shot_limit_bytes(Pattern::allreduce, ranks - 1));
    CHECK(one_shot_limit_bytes(Pattern::allreduce, ranks) >= 4 * kKiB);
  }
}

TEST_CASE("auto falls back to two_shot_barrier where no Lamport slot can hold the message") {
  CHECK(choice(4, 1023 * kMiB) == Algorithm::two_shot);
  CHECK(choice(4, 1024 * kMiB) == Algorithm::two_shot_barrier);
  CHECK(choice(2, 1023 * kMiB) == Algorithm::one_shot);
  CHECK(choice(2, 1024 * kMiB) == Algorithm::two_shot_barrier);
}
