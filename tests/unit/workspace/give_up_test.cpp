#include "workspace/give_up.hpp"

#include <catch2/catch_test_macros.hpp>
#include <vector>

namespace symmbench {
namespace {

const std::vector<int> kWorldRanks = {4, 5, 6, 7};
constexpr std::chrono::seconds kLimit{5};

GiveUpRecord record_of(WaitTag tag) {
  return {.tag = static_cast<std::uint32_t>(tag),
          .rank = 2,
          .peer = 3,
          .slot = 1,
          .packet = 17,
          .expected = 7,
          .seen = kSentinel,
          .call = 42};
}

TEST_CASE("a record of nothing is no failure") { CHECK_FALSE(explain_give_up({}, kWorldRanks, kLimit)); }

TEST_CASE("a wait for a packet that never came is told in world ranks") {
  const auto failure = explain_give_up(record_of(WaitTag::one_shot), kWorldRanks, kLimit);
  REQUIRE(failure);
  CHECK(failure->layer == Layer::kernel);
  CHECK(failure->reason == Reason::timed_out);
  CHECK(failure->call == "one_shot");
  CHECK(failure->rank == 6);
  CHECK(failure->peer == 7);
  CHECK(failure->detail ==
        "rank 6 waited 5.0 s for packet 17 of rank 7 (one_shot, slot 1, call 42): expected data, saw the sentinel");
}

TEST_CASE("both steps of a two-shot are told apart") {
  CHECK(explain_give_up(record_of(WaitTag::two_shot_reduce), kWorldRanks, kLimit)->detail.find("reduce step") !=
        std::string::npos);
  CHECK(explain_give_up(record_of(WaitTag::two_shot_gather), kWorldRanks, kLimit)->detail.find("gather step") !=
        std::string::npos);
  CHECK(explain_give_up(record_of(WaitTag::two_shot_gather), kWorldRanks, kLimit)->call == "two_shot");
}

TEST_CASE("a barrier names row and generations") {
  auto record = record_of(WaitTag::barrier);
  record.seen = 6;
  CHECK(explain_give_up(record, kWorldRanks, kLimit)->detail ==
        "rank 6 waited 5.0 s for row 17 of rank 7 (barrier, call 42): expected generation 7, saw 6");
}

TEST_CASE("nonsense in a record is shown, not followed") {
  auto record = record_of(WaitTag::one_shot);
  record.peer = 1000;
  record.rank = -1;
  const auto failure = explain_give_up(record, kWorldRanks, kLimit);
  REQUIRE(failure);
  CHECK_FALSE(failure->rank);
  CHECK_FALSE(failure->peer);
  CHECK(failure->detail.find("rank ? (recorded as 1000)") != std::string::npos);
  record.tag = 99;
  CHECK(explain_give_up(record, kWorldRanks, kLimit)->detail.find("unknown wait") != std::string::npos);
}

}  // namespace
}  // namespace symmbench
