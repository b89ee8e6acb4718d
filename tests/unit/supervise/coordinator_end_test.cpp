// What is left of an attempt when a run is stopped, and in which order its events are told.
#include <signal.h>

#include <catch2/catch_test_macros.hpp>

#include "unit/supervise/coordinator_story.hpp"
#include "unit/supervise/pair_request.hpp"

namespace symmbench {
namespace {

using test::Story;
using Kind = WorkerEnd::Kind;

TEST_CASE("halting stops the worker, records nothing and starts nothing") {
  Story story(2);
  story.begin({pair_request({"x"}), pair_request({"y"})});
  story.group.halt(story.now);
  story.hear();
  CHECK(story.stops.size() == 1);
  CHECK_FALSE(story.group.finished());
  story.all_stop(0);
  CHECK(story.group.finished());
  CHECK(story.failures.empty());
  CHECK(story.starts.size() == 1);
}

TEST_CASE("a failure that was heard of before everybody left is recorded although nobody answers any more") {
  Story story(2);
  story.begin({pair_request({"x"})});
  story.dies(1, SIGSEGV);
  story.group.halt(story.now);
  story.group.leave(story.now);
  story.hear();
  CHECK(story.group.finished());
  REQUIRE(story.failures.size() == 1);
  CHECK(story.failures[0].failure.rank == 1);
  CHECK(story.failures[0].failure.detail == "worker killed by SIGSEGV");  // where it was has not been heard
  CHECK(story.starts.size() == 1);
}

TEST_CASE("a supervisor that does not answer is told with what can be seen of its process") {
  GroupCoordinator group(0, {0, 1}, {.stop_s = 10}, [](int rank) { return "seen of " + std::to_string(rank); });
  const Clock::time_point now{};
  group.begin({pair_request({"x"})}, now);
  group.worker_died(0, 0, {Kind::signalled, SIGSEGV}, now);
  group.stopped(0, 0, {.end = {Kind::signalled, SIGSEGV}, .page = {}}, now);
  group.tick(now + std::chrono::seconds(11));
  std::string detail;
  for (const auto& command : group.take_commands()) {
    if (const auto* append = std::get_if<GroupCoordinator::Append>(&command)) {
      detail = append->record.at("failure").at("detail").get<std::string>();
    }
  }
  CHECK(detail ==
        "rank 1's supervisor answers no more: it did not stop its worker within 10.0 s; its process: seen of 1");
}

TEST_CASE("leaving records nothing where nothing had happened") {
  Story story(2);
  story.begin({pair_request({"x"})});
  story.group.halt(story.now);
  story.group.leave(story.now);
  story.hear();
  CHECK(story.group.finished());
  CHECK(story.failures.empty());
}

TEST_CASE("what an answer to the stop tells of an earlier death makes that the cause") {
  Story story(3);
  story.begin({pair_request({"x"})});
  const auto at = [&](int ms) { return story.now + std::chrono::milliseconds(ms); };
  story.group.worker_died(0, 1, {Kind::signalled, SIGBUS}, story.now, {.after = at(-5), .by = at(-1)});
  const PageSnapshot page{.started = true, .item = 0, .driver_call = {}};
  story.group.stopped(0, 0, {.end = {Kind::stopped, 0}, .page = page}, story.now);
  story.group.stopped(0, 1, {.end = {Kind::signalled, SIGBUS}, .page = page}, story.now);
  story.group.stopped(0, 2, {.end = {Kind::signalled, SIGSEGV}, .page = page, .seen = {.after = at(-20), .by = at(-9)}},
                      story.now);
  story.hear();
  REQUIRE(story.failures.size() == 1);
  CHECK(story.failures[0].failure.rank == 2);
  CHECK(story.failures[0].others.at(0).rank == 1);
}

}  // namespace
}  // namespace symmbench
