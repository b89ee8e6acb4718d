#include "supervise/group_coordinator.hpp"

#include <signal.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "unit/supervise/coordinator_story.hpp"
#include "unit/supervise/pair_request.hpp"

namespace symmbench {
namespace {

using Catch::Matchers::ContainsSubstring;
using test::Story;
using Kind = WorkerEnd::Kind;

TEST_CASE("requests run one after the other, each worker life with a number of its own, also over several runs") {
  Story story(2);
  CHECK(story.group.finished());
  story.begin({pair_request({"x"}), pair_request({"y"})});
  CHECK_FALSE(story.group.finished());
  CHECK(story.starts.at(0).items[0].case_id == "x");
  story.done(0);
  CHECK(story.starts.size() == 1);
  story.done(1);
  REQUIRE(story.starts.size() == 2);
  CHECK(story.starts[1].items[0].case_id == "y");
  story.all_done();
  CHECK(story.group.finished());
  story.begin({pair_request({"z"})});
  CHECK(story.attempt() == 2);
  CHECK(story.failures.empty());
  CHECK(story.events.empty());
  CHECK(story.stops.empty());
}

TEST_CASE("a run without requests is finished at once") {
  Story story(2);
  story.begin({});
  CHECK(story.group.finished());
}

TEST_CASE("a round is answered to everybody when the last one came") {
  Story story(3);
  story.begin({pair_request({"x"})});
  story.contribute(0);
  story.contribute(2);
  CHECK(story.answers.empty());
  CHECK(story.group.round_open());
  story.contribute(1);
  REQUIRE(story.answers.size() == 1);
  CHECK(story.answers[0].to == std::vector<int>{0, 1, 2});
  CHECK(std::holds_alternative<std::vector<Blob>>(story.answers[0].outcome));
  CHECK_FALSE(story.group.round_open());
}

TEST_CASE("a round waits as long as its request says, the next request's as long as that one says") {
  Story story(2);
  WorkRequest patient = pair_request({"x"});
  patient.deadlines = deadlines_of(100, 1);
  story.begin({patient, pair_request({"y"})});
  story.contribute(0);
  story.pass(99);
  CHECK(story.answers.empty());
  story.contribute(1);
  REQUIRE(story.answers.size() == 1);
  story.all_done();
  story.contribute(0);
  story.pass(19);
  CHECK(story.answers.size() == 1);
  story.pass(2);
  CHECK(story.answers.size() == 2);
}

TEST_CASE("a crash in a case is recorded for that case, which is then re-run one allocator at a time") {
  Story story(2);
  story.begin({pair_request({"x", "y", "z"})});
  story.group.item_done(0, 0);
  story.contribute(0);
  story.dies(1, SIGSEGV);
  REQUIRE(story.answers.size() == 1);
  CHECK(std::get<Failure>(story.answers[0].outcome).peer == 1);
  CHECK(story.stops == std::vector<int>{0});
  CHECK(story.failures.empty());  // not before everybody has stopped
  story.all_stop(1);

  REQUIRE(story.failures.size() == 1);
  const auto& record = story.failures[0];
  CHECK(record.case_id == "y");
  CHECK(record.allocators == Names{"a", "b"});
  CHECK_FALSE(record.alone);
  CHECK(record.status == "failed");
  CHECK(record.label == "g");
  CHECK(record.failure.reason == Reason::crashed);
  CHECK(record.failure.rank == 1);
  CHECK(record.failure.code == SIGSEGV);

  REQUIRE(story.starts.size() == 2);
  CHECK(story.starts[1].attempt == 1);
  CHECK(story.starts[1].alone);
  CHECK(story.starts[1].items.at(0).case_id == "y");
  CHECK(story.starts[1].items.at(0).allocators == Names{"a"});
  REQUIRE(story.events.size() == 1);
  CHECK(story.events[0].what == "worker_restarted");
  CHECK(story.events[0].data.at("allocators") == Json({"a"}));

  story.dies(0, SIGSEGV);
  story.all_stop(0);
  CHECK(story.failures.at(1).alone);
  CHECK(story.failures.at(1).allocators == Names{"a"});
  story.all_done();  // y under b
  CHECK(story.starts.back().items.at(0).case_id == "z");
  CHECK(story.starts.back().items.at(0).allocators == Names{"a", "b"});
}

TEST_CASE("a crash before the first case names no case and splits the pair") {
  Story story(2);
  story.begin({pair_request({"x", "y"})});
  story.dies(0, SIGABRT);
  story.all_stop(-1);
  CHECK_FALSE(story.failures.at(0).case_id);
  CHECK(story.failures.at(0).allocators == Names{"a", "b"});
  CHECK(story.starts.at(1).items.size() == 2);
  CHECK(story.starts.at(1).items[1].allocators == Names{"a"});
}

TEST_CASE("a rank that fails before its first case does so although the others already wait in that case") {
  Story story(2);
  story.begin({pair_request({"x", "y"})});
  story.fails(0, {.layer = Layer::driver, .reason = Reason::not_permitted});
  PageSnapshot ahead{.started = true, .phase = Phase::use, .item = 0, .driver_call = {}}, behind = ahead;
  behind.item = -1;
  story.group.stopped(0, 0, {.end = {Kind::failed, 1}, .page = behind}, story.now);
  story.group.stopped(0, 1, {.end = {Kind::stopped, 0}, .page = ahead}, story.now);
  story.hear();
  CHECK_FALSE(story.failures.at(0).case_id);
}

TEST_CASE("the third equal failure skips the allocator's cases, in a form that programs read") {
  Story story(2);
  story.begin({pair_request({"x", "y"})});
  for (int i = 0; i < 3; ++i) {
    story.dies(1, SIGABRT);
    story.all_stop(-1);
  }
  const auto& skipped = story.events.at(2);
  CHECK(skipped.what == "group_skipped");
  CHECK_THAT(skipped.detail, ContainsSubstring("third equal failure"));
  CHECK(skipped.data.at("label") == "g");
  CHECK(skipped.data.at("case_ids") == Json({"x", "y"}));
  CHECK(skipped.data.at("allocators") == Json({"a"}));
  CHECK(skipped.data.at("bring_up") == true);
  CHECK(failure_from_json(skipped.data.at("failure")).code == SIGABRT);
  CHECK(story.starts.back().items.at(0).allocators == Names{"b"});
  story.all_done();
  CHECK(story.group.finished());
}

TEST_CASE("a rank that others wait for in a round is found to hang, after the others have been heard") {
  Story story(3);
  story.begin({pair_request({"x"})});
  story.contribute(0);
  story.contribute(1);
  story.pass(19.9);
  CHECK(story.answers.empty());
  story.pass(0.2);  // the round is over
  REQUIRE(story.answers.size() == 1);
  CHECK(story.answers[0].missing == std::vector<int>{2});
  CHECK(story.stops.empty());
  story.fails(0, {.layer = Layer::comm, .reason = Reason::timed_out, .peer = 2});
  CHECK(story.stops.empty());
  story.pass(2.1);  // rank 2 still says nothing
  CHECK(story.stops.size() == 1);
  story.all_stop(0, 22);
  REQUIRE(story.failures.size() == 1);
  CHECK(story.failures[0].status == "hung");
  CHECK(story.failures[0].case_id == "x");
  CHECK(story.failures[0].failure.rank == 2);
  CHECK(story.failures[0].failure.detail ==
        "rank 2 did not move for 22 s in phase use, item x; ranks 0, 1 waited for it");
}

TEST_CASE("a rank that is stopped in the middle of waiting is not mistaken for the one it waits for") {
  Story story(3);
  story.begin({pair_request({"x"})});
  story.fails(0, {.layer = Layer::kernel, .reason = Reason::timed_out, .peer = 1});
  story.contribute(1);  // well, waiting for 2
  story.pass(2.1);
  story.all_stop(0, 30);
  CHECK(story.failures.at(0).failure.rank == 2);
  CHECK_THAT(story.failures.at(0).failure.detail, ContainsSubstring("ranks 0, 1 waited"));
}

TEST_CASE("rounds that failed because a rank went straight to the vote say nothing about a later hang") {
  Story story(3);
  story.begin({pair_request({"x"})});
  story.contribute(0);
  story.contribute(2);
  story.contribute(1, kVoteIndex);  // its phase failed; the round of the others ends, they vote too
  REQUIRE(story.answers.size() == 1);
  CHECK(story.answers[0].missing == std::vector<int>{1});
  story.contribute(0, kVoteIndex);
  story.contribute(2, kVoteIndex);
  CHECK_FALSE(story.group.round_open());
  CHECK(story.stops.empty());
  story.fails(0, {.layer = Layer::kernel, .reason = Reason::timed_out, .peer = 2});
  story.fails(1, {.layer = Layer::kernel, .reason = Reason::timed_out, .peer = 2});
  story.pass(2.1);
  story.all_stop(0, 9);
  CHECK(story.failures.at(0).failure.rank == 2);
}

TEST_CASE("a vain wait is not the cause when a crash is heard of right after it") {
  Story story(2);
  story.begin({pair_request({"x"})});
  story.fails(0, {.layer = Layer::comm, .reason = Reason::peer_failed, .peer = 1});
  CHECK(story.stops.empty());
  story.dies(1, SIGBUS);
  CHECK(story.stops.size() == 1);
  story.all_stop(0);
  CHECK(story.failures.at(0).failure.code == SIGBUS);
  CHECK(story.failures.at(0).status == "failed");
  CHECK(story.failures.at(0).others.size() == 1);
}

TEST_CASE("the settling ends as soon as everybody has spoken or waits") {
  Story story(3);
  story.begin({pair_request({"x"})});
  story.fails(0, {.layer = Layer::kernel, .reason = Reason::timed_out, .peer = 1});
  story.contribute(1);
  story.fails(2, {.layer = Layer::kernel, .reason = Reason::timed_out, .peer = 1});
  CHECK(story.stops.size() == 1);
}

TEST_CASE("a worker over its own allowance is a hang") {
  Story story(2);
  story.begin({pair_request({"x"})});
  story.contribute(0);
  story.group.worker_hung(story.attempt(), 1, story.now);
  story.hear();
  CHECK(story.stops.size() == 1);  // rank 0 waits, so everybody has been heard
  story.all_stop(0, 40);
  CHECK(story.failures.at(0).status == "hung");
  CHECK(story.failures.at(0).failure.rank == 1);
}

TEST_CASE("a rank that leaves while others wait for it ends their round at once") {
  Story story(2);
  story.begin({pair_request({"x"})});
  story.contribute(0);
  story.done(1);
  REQUIRE(story.answers.size() == 1);
  CHECK(std::get<Failure>(story.answers[0].outcome).reason == Reason::peer_failed);
}

TEST_CASE("groups fail and go on independently, under their own world ranks") {
  Story one(2), two(2, 2);
  one.begin({pair_request({"x"})});
  two.begin({pair_request({"x"})});
  two.dies(3, SIGSEGV);
  two.all_stop(0);
  CHECK(two.failures.at(0).group == 1);
  CHECK(two.failures.at(0).failure.rank == 3);
  one.all_done();
  CHECK(one.group.finished());
  CHECK_FALSE(two.group.finished());
  CHECK(one.failures.empty());
}

TEST_CASE("late news of an attempt that is over change nothing") {
  Story story(2);
  story.begin({pair_request({"x", "y"})});
  story.dies(0, SIGSEGV);
  story.all_stop(0);
  REQUIRE(story.attempt() == 1);
  const auto stops = story.stops.size();
  story.group.worker_died(0, 1, {Kind::signalled, SIGSEGV}, story.now);
  story.group.worker_failed(0, 1, {{.reason = Reason::internal}}, story.now);
  story.group.worker_hung(0, 1, story.now);
  story.group.worker_done(0, 0, story.now);
  story.group.worker_done(0, 1, story.now);
  story.group.item_done(0, 0);
  story.group.stopped(0, 0, {}, story.now);
  story.contribute(0, 0, 0);
  story.contribute(1, 0, 0);
  story.hear();
  CHECK(story.stops.size() == stops);
  CHECK(story.answers.empty());
  CHECK(story.starts.size() == 2);
  CHECK_FALSE(story.group.round_open());
  story.dies(0, SIGSEGV);
  story.all_stop(0);
  CHECK(story.failures.at(1).case_id == "x");  // the old item_done did not count
}

TEST_CASE("an item index out of range is ignored") {
  Story story(2);
  story.begin({pair_request({"x"})});
  story.group.item_done(0, -1);
  story.group.item_done(0, 99);
  story.all_done();
  CHECK(story.group.finished());
}

TEST_CASE("a supervisor that does not answer a stop is lost, and its group is finished for good") {
  Story story(2);
  story.begin({pair_request({"x"})});
  story.dies(0, SIGSEGV);
  PageSnapshot page{.started = true, .item = 0, .driver_call = {}};
  story.group.stopped(0, 0, {.end = {Kind::signalled, SIGSEGV}, .page = page}, story.now);
  story.pass(9.9);
  CHECK_FALSE(story.group.finished());
  story.pass(0.2);
  CHECK(story.group.finished());
  CHECK(story.group.lost_rank() == 1);
  story.hear();
  REQUIRE(story.failures.size() == 1);
  const FailureRecord& record = story.failures[0];
  CHECK(record.status == "hung");
  CHECK(record.failure.layer == Layer::supervisor);
  CHECK(record.failure.rank == 1);
  CHECK(record.case_id == "x");
  REQUIRE_FALSE(record.others.empty());
  CHECK(record.others[0].reason == Reason::crashed);
  story.begin({pair_request({"y"})});
  CHECK(story.starts.size() == 1);
}

TEST_CASE("a worker that cannot be killed ends its group's work, and every case is accounted for") {
  Story story(2);
  story.begin({pair_request({"x", "y"}), pair_request({"z"})});
  story.group.worker_hung(story.attempt(), 1, story.now);
  story.pass(3);
  PageSnapshot page{.started = true, .item = 0, .driver_call = "cuMemUnmap", .idle_s = 40};
  story.group.stopped(0, 0, {.end = {Kind::stopped, 0}, .page = page}, story.now);
  story.group.stopped(0, 1, {.end = {Kind::stuck, 0}, .page = page}, story.now);
  story.hear();
  CHECK(story.failures.at(0).failure.call == "cuMemUnmap");
  CHECK(story.group.finished());
  std::vector<std::string> skipped;
  for (const auto& event : story.events) {
    CHECK(event.what == "group_skipped");
    for (const auto& id : event.data.at("case_ids")) skipped.push_back(id.get<std::string>());
  }
  CHECK(skipped == Names{"x", "y", "x", "y", "z", "z"});
  CHECK(story.failures.size() == 1);
}

TEST_CASE("a worker that cannot be killed is a hang beside the crash that ended its attempt") {
  Story story(2);
  story.begin({pair_request({"x"})});
  story.dies(0, SIGSEGV);
  const PageSnapshot page{.started = true, .item = 0, .driver_call = "cuMemUnmap", .pid = 4711};
  story.group.stopped(0, 0, {.end = {Kind::signalled, SIGSEGV}, .page = page}, story.now);
  story.group.stopped(0, 1, {.end = {Kind::stuck, 0}, .page = page, .process = "state D"}, story.now);
  story.hear();
  REQUIRE(story.failures.size() == 2);
  CHECK(story.failures[0].status == "failed");
  CHECK(story.failures[0].failure.rank == 0);
  CHECK(story.failures[1].status == "hung");
  CHECK(story.failures[1].failure.rank == 1);
  CHECK(story.failures[1].failure.pid == 4711);
  CHECK(story.failures[1].allocators.empty());
  CHECK_THAT(story.failures[1].failure.detail, ContainsSubstring("cannot be killed") && ContainsSubstring("state D"));
}

}  // namespace
}  // namespace symmbench
