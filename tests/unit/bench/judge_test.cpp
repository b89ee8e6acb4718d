#include "bench/judge.hpp"

#include <fmt/format.h>

#include <catch2/catch_test_macros.hpp>
#include <vector>

using namespace symmbench;

namespace {

constexpr std::uint64_t kElements = 1000;

/// Four ranks of which nothing is wrong.
std::vector<CheckSummary> clean() {
  return std::vector<CheckSummary>(
      4, {.checked_elements = kElements, .wrong_elements = 0, .guard_words = 0, .digest = 7, .max_error = 0.5f});
}

CheckResult judged(const std::vector<CheckSummary>& by_rank, bool same_bits = true) {
  return judge(by_rank, {.elements = kElements, .same_bits = same_bits});
}

}  // namespace

TEST_CASE("what all ranks found right has no failure, and figures over all ranks") {
  auto ranks = clean();
  ranks[2].max_error = 1.5f;
  const CheckResult result = judged(ranks);
  CHECK_FALSE(result.failure);
  CHECK(result.checked_elements == 4 * kElements);
  CHECK(result.wrong_elements == 0);
  CHECK(result.max_error == 1.5);
}

TEST_CASE("wrong elements are summed, and the first rank that has some is named") {
  auto ranks = clean();
  ranks[1].wrong_elements = 3;
  ranks[3].wrong_elements = 5;
  const CheckResult result = judged(ranks);
  REQUIRE(result.failure);
  CHECK(result.failure->layer == Layer::verify);
  CHECK(result.failure->reason == Reason::wrong_data);
  CHECK(result.failure->phase == Phase::verify);
  CHECK(result.failure->rank == 1);
  CHECK_FALSE(result.failure->peer);
  CHECK(result.failure->detail == "8 of 4000 elements wrong");
}

TEST_CASE("a check that looked at less, or at more, than it was asked to proves nothing") {
  for (const std::uint64_t looked_at : {kElements - 1, kElements + 1, std::uint64_t{0}}) {
    CAPTURE(looked_at);
    auto ranks = clean();
    ranks[2].checked_elements = looked_at;
    const CheckResult result = judged(ranks);
    REQUIRE(result.failure);
    CHECK(result.failure->reason == Reason::internal);
    CHECK(result.failure->rank == 2);
    CHECK(result.failure->detail == fmt::format("the check looked at {} of 1000 elements", looked_at));
  }
}

TEST_CASE("overwritten guards are corruption, on the rank that has them") {
  auto ranks = clean();
  ranks[3].guard_words = 2;
  const CheckResult result = judged(ranks);
  REQUIRE(result.failure);
  CHECK(result.failure->reason == Reason::corrupted);
  CHECK(result.failure->rank == 3);
  CHECK(result.failure->detail == "2 guard words around the outputs were overwritten");
}

TEST_CASE("results that differ between ranks are wrong only where the algorithm promises the same bits") {
  auto ranks = clean();
  ranks[2].digest = 8;
  CHECK_FALSE(judged(ranks, false).failure);
  const CheckResult result = judged(ranks);
  REQUIRE(result.failure);
  CHECK(result.failure->reason == Reason::wrong_data);
  CHECK(result.failure->rank == 2);
  CHECK(result.failure->peer == 0);
}

TEST_CASE("of several faults, wrong data comes before what was not checked, guards and digests") {
  auto ranks = clean();
  ranks[0].digest = 8;
  ranks[1].guard_words = 1;
  CHECK(judged(ranks).failure->reason == Reason::corrupted);
  ranks[2].checked_elements = 0;
  CHECK(judged(ranks).failure->reason == Reason::internal);
  ranks[3].wrong_elements = 1;
  CHECK(judged(ranks).failure->reason == Reason::wrong_data);
  CHECK(judged(ranks).failure->rank == 3);
}
