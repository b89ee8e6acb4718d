#include "plan/algorithm_choice.hpp"

#include <catch2/catch_test_macros.hpp>

#include "core/units.hpp"

using namespace symmbench;

namespace {

CallShape shape_of(int ranks, std::uint64_t bytes, Pattern pattern = Pattern::allreduce) {
  return {.pattern = pattern, .dtype = DType::bf16, .world_size = ranks, .tokens = 1, .hidden = bytes / 2};
}

Algorithm choice(int ranks, std::uint64_t bytes, Pattern pattern = Pattern::allreduce) {
  return choose_algorithm(shape_of(ranks, bytes, pattern), {}).algorithm;
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

TEST_CASE("auto takes one_shot always on 2 ranks, except with a scale per group from 4 MiB") {
  CHECK(choice(2, 256 * kMiB) == Algorithm::one_shot);
  CHECK(choice(2, 256 * kMiB, Pattern::residual_rmsnorm) == Algorithm::one_shot);
  CHECK(choice(2, 4 * kMiB - 16, Pattern::residual_rmsnorm_nvfp4) == Algorithm::one_shot);
  CHECK(choice(2, 4 * kMiB, Pattern::residual_rmsnorm_nvfp4) == Algorithm::two_shot);
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

TEST_CASE("every algorithm that a tuning table may name is one that runs") {
  for (const auto& name : tunable_algorithms()) CHECK(algorithm_from(name));
}

TEST_CASE("the shipped sm90 table says what was measured, and the computed limits say the same there") {
  const auto sm90 = tuning_from("sm90");
  for (const int ranks : {2, 4}) {
    for (const auto pattern : {Pattern::allreduce, Pattern::residual_rmsnorm}) {
      for (const std::uint64_t bytes : {16 * kKiB, 192 * kKiB, 192 * kKiB + 16, 3 * kMiB, 3 * kMiB + 16, 256 * kMiB}) {
        CAPTURE(ranks, bytes);
        const auto tuned = choose_algorithm(shape_of(ranks, bytes, pattern), sm90);
        CHECK(tuned.algorithm == choice(ranks, bytes, pattern));
        CHECK(tuned.source == "sm90");
      }
    }
  }
  CHECK(choose_algorithm(shape_of(8, kKiB), sm90).source == "computed");
  CHECK(choose_algorithm(shape_of(4, kKiB), {}).source == "computed");
}

TEST_CASE("auto follows the table to its bound, and the computed limits one packet above a table's last") {
  const TuningTable table{.name = "file",
                          .entries = {{.world_size = 4,
                                       .pattern = "allreduce",
                                       .choices = {{.up_to_bytes = 64 * kKiB, .algorithm = "two_shot_barrier"},
                                                   {.up_to_bytes = 128 * kKiB, .algorithm = "two_shot"}}}}};
  const auto at = [&](std::uint64_t bytes) { return choose_algorithm(shape_of(4, bytes), table); };
  CHECK(at(64 * kKiB).algorithm == Algorithm::two_shot_barrier);
  CHECK(at(64 * kKiB + 16).algorithm == Algorithm::two_shot);
  CHECK(at(128 * kKiB).algorithm == Algorithm::two_shot);
  CHECK(at(128 * kKiB).source == "file");
  CHECK(at(128 * kKiB + 16).algorithm == Algorithm::one_shot);
  CHECK(at(128 * kKiB + 16).source == "computed");
}

TEST_CASE("a table cannot make auto take what does not fit") {
  const auto sm90 = tuning_from("sm90");
  const auto huge = choose_algorithm(shape_of(2, 1024 * kMiB), sm90);
  CHECK(huge.algorithm == Algorithm::two_shot_barrier);
  CHECK(huge.source == "computed");
}
