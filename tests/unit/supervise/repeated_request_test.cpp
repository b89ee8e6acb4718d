#include <signal.h>

#include <catch2/catch_test_macros.hpp>

#include "supervise/group_coordinator.hpp"
#include "unit/supervise/coordinator_story.hpp"
#include "unit/supervise/pair_request.hpp"

namespace symmbench {
namespace {

using test::Story;

WorkRequest repeated_request(std::uint64_t wanted, double wanted_s = 0) {
  WorkRequest request{.task = "group", .label = "lifecycle/x", .items = {{"lifecycle/x", {"a"}}}};
  request.rounds = Rounds{.wanted = wanted, .wanted_s = wanted_s};
  return request;
}

TEST_CASE("a worker killed in a round fails that round by its number, and the next worker is told what is past") {
  Story story(2);
  story.begin({repeated_request(9)});
  for (int round = 0; round < 4; ++round) story.group.item_done(story.attempt(), round);
  story.now += std::chrono::seconds(3);
  story.dies(1, SIGKILL);
  story.all_stop(4);
  REQUIRE(story.failures.size() == 1);
  CHECK(story.failures[0].case_id == "lifecycle/x#4");
  REQUIRE(story.starts.size() == 2);
  CHECK(story.starts[1].rounds->done == 5);
  CHECK(story.starts[1].rounds->passed_s == 3);
  story.group.item_done(story.attempt(), 0);
  story.dies(1, SIGKILL);
  story.all_stop(0);  // its page is still that of the round that is done
  CHECK_FALSE(story.failures[1].case_id);
  CHECK(story.starts.at(2).rounds->done == 6);
}

TEST_CASE("a worker that leaves because a round failed is followed by a fresh one, and nothing is recorded twice") {
  Story story(2);
  story.begin({repeated_request(9), pair_request({"y"})});
  const Failure failure{.layer = Layer::driver, .reason = Reason::not_ready, .phase = Phase::map, .rank = 1};
  const auto leave = [&] {
    const int attempt = story.attempt();
    for (const int rank : story.group.members()) story.group.worker_done(attempt, rank, story.now, failure);
    story.hear();
  };
  story.group.item_done(story.attempt(), 0);
  leave();
  CHECK(story.failures.empty());
  REQUIRE(story.starts.size() == 2);
  CHECK(story.starts[1].rounds->done == 2);
  leave();
  leave();  // the third in a row
  REQUIRE(story.starts.size() == 4);
  CHECK(story.starts[3].items[0].case_id == "y");
  CHECK(story.events.back().what == "group_skipped");
}

}  // namespace
}  // namespace symmbench
