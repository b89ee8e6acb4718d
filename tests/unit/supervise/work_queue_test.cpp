#include "supervise/work_queue.hpp"

#include <catch2/catch_test_macros.hpp>

#include "unit/supervise/pair_request.hpp"

namespace symmbench {
namespace {

/// "x:a,b y:a,b" and a trailing "!" when alone: one worker life in a readable form; "-" when the queue is through.
std::string life(const WorkQueue& queue) {
  if (queue.empty()) return "-";
  const auto request = queue.current();
  std::string text;
  for (const auto& item : request.items) {
    if (!text.empty()) text += ' ';
    text += item.case_id + ':';
    for (std::size_t i = 0; i < item.allocators.size(); ++i) text += (i ? "," : "") + item.allocators[i];
  }
  return text + (request.alone ? " !" : "");
}

Failure crash(int rank = 1) {
  return {.layer = Layer::worker, .reason = Reason::crashed, .phase = Phase::use, .rank = rank, .code = 11};
}

AttemptProgress at(std::size_t items, std::size_t done, int begun) {
  AttemptProgress progress{.done = std::vector<bool>(items, false), .begun = begun};
  for (std::size_t i = 0; i < done; ++i) progress.done[i] = true;
  return progress;
}

/// A worker of a repeated item: `rounds` went well in `passed_s`, and, where `in_round`, the next one did not.
AttemptProgress after(std::uint64_t rounds, double passed_s, bool in_round) {
  return {.done = {false}, .begun = in_round ? 0 : -1, .rounds = rounds, .passed_s = passed_s};
}

WorkQueue repeated(std::uint64_t wanted, double wanted_s = 0) {
  WorkRequest request{.task = "group", .label = "lifecycle/x", .items = {{"lifecycle/x", {"a"}}}};
  request.rounds = Rounds{.wanted = wanted, .wanted_s = wanted_s};
  return WorkQueue(request);
}

TEST_CASE("the round that a worker did not survive counts as done, and the next worker goes on behind it") {
  WorkQueue queue = repeated(10);
  CHECK(queue.failed(crash(), after(3, 5, true)).empty());
  REQUIRE_FALSE(queue.empty());
  CHECK(queue.current().rounds->done == 4);
  CHECK(queue.current().rounds->passed_s == 5);
  CHECK(queue.failed(crash(), after(2, 1, false)).empty());  // between two rounds: none of them failed
  CHECK(queue.current().rounds->done == 6);
  queue.succeeded(after(4, 1, false));
  CHECK(queue.empty());
}

TEST_CASE("a worker that leaves rounds is followed by another as long as it did some") {
  WorkQueue queue = repeated(3);
  queue.succeeded(after(1, 1, false));
  REQUIRE_FALSE(queue.empty());
  CHECK(queue.current().rounds->done == 1);
  queue.succeeded(after(0, 1, false));
  CHECK(queue.empty());
}

TEST_CASE("rounds go on until they are enough and so much time has passed") {
  WorkQueue queue = repeated(1, 60);
  queue.succeeded(after(30, 40, false));
  REQUIRE_FALSE(queue.empty());
  queue.succeeded(after(1, 25, false));
  CHECK(queue.empty());
}

TEST_CASE(
    "the third equal failure of rounds in a row ends them; one that went well between them starts the count anew") {
  WorkQueue queue = repeated(1000);
  for (int i = 0; i < 20; ++i) CHECK(queue.failed(crash(), after(5, 1, true)).empty());
  CHECK(queue.failed(crash(), after(0, 1, true)).empty());
  const auto given_up = queue.failed(crash(), after(0, 1, true));
  REQUIRE(given_up.size() == 1);
  CHECK(given_up[0].case_ids == std::vector<std::string>{"lifecycle/x"});
  CHECK(queue.empty());
  WorkQueue endless = repeated(100'000);
  int lives = 0;
  for (; !endless.empty(); ++lives) (void)endless.failed(crash(), after(5, 1, true));
  CHECK(lives == 100);  // each of them is a record
}

TEST_CASE("one worker does the whole request when nothing fails") {
  WorkQueue queue(pair_request({"x", "y"}));
  CHECK(life(queue) == "x:a,b y:a,b");
  queue.succeeded();
  CHECK(life(queue) == "-");
}

TEST_CASE("a pair that fails in a case is re-run one allocator at a time, then the other cases go on as pairs") {
  WorkQueue queue(pair_request({"x", "y", "z"}));
  CHECK(queue.failed(crash(), at(3, 1, 1)).empty());
  CHECK(life(queue) == "y:a !");
  queue.succeeded();
  CHECK(life(queue) == "y:b !");
  queue.succeeded();
  CHECK(life(queue) == "z:a,b");
}

TEST_CASE("of any number of allocators that fail in a case each is re-run alone, then the other cases go on together") {
  WorkQueue queue(pair_request({"x", "y"}, {"a", "b", "c"}));
  CHECK(queue.failed(crash(), at(2, 0, 0)).empty());
  for (const auto* alone : {"x:a !", "x:b !", "x:c !"}) {
    CHECK(life(queue) == alone);
    queue.succeeded();
  }
  CHECK(life(queue) == "y:a,b,c");
}

TEST_CASE("one of three allocators that is given up leaves the other two together") {
  WorkQueue queue(pair_request({"w", "x", "y"}, {"a", "b", "c"}));
  CHECK(queue.failed(crash(), at(3, 0, 0)).empty());  // w together: 1 for each
  CHECK(queue.failed(crash(), at(1, 0, 0)).empty());  // w under a: 2 for a
  queue.succeeded();
  queue.succeeded();
  CHECK(life(queue) == "x:a,b,c y:a,b,c");
  const auto given_up = queue.failed(crash(), at(2, 0, 0));  // x together: 3 for a, 2 for b and c
  REQUIRE(given_up.size() == 1);
  CHECK(given_up[0].allocators == Names{"a"});
  CHECK(given_up[0].case_ids == Names{"y"});
  for (const auto* alone : {"x:b !", "x:c !"}) {
    CHECK(life(queue) == alone);
    queue.succeeded();
  }
  CHECK(life(queue) == "y:b,c");
}

TEST_CASE("a case whose rows were lost to a failure in the next one is run again, without being blamed") {
  WorkQueue queue(pair_request({"x", "y", "z"}, {"a"}));
  CHECK(WorkQueue::failed_item(at(3, 0, 1)) == 1);
  CHECK(queue.failed(crash(), at(3, 0, 1)).empty());
  CHECK(life(queue) == "x:a z:a");
}

TEST_CASE("a case that fails alone is left behind") {
  WorkQueue queue(pair_request({"x", "y"}, {"a"}));
  CHECK(queue.failed(crash(), at(2, 0, 0)).empty());
  CHECK(life(queue) == "y:a");
}

TEST_CASE("a pair that cannot be brought up is split into one life per allocator, each with all cases") {
  WorkQueue queue(pair_request({"x", "y"}));
  CHECK(queue.failed(crash(), at(2, 0, -1)).empty());
  CHECK(life(queue) == "x:a y:a !");
  queue.succeeded();
  CHECK(life(queue) == "x:b y:b !");
}

TEST_CASE("the allocator that cannot be brought up is given up at its third equal failure, the other one runs") {
  WorkQueue queue(pair_request({"x", "y"}));
  CHECK(queue.failed(crash(), at(2, 0, -1)).empty());
  CHECK(queue.failed(crash(), at(2, 0, -1)).empty());
  CHECK(life(queue) == "x:a y:a !");
  const auto given_up = queue.failed(crash(), at(2, 0, -1));
  REQUIRE(given_up.size() == 1);
  CHECK(given_up[0].allocators == Names{"a"});
  CHECK(given_up[0].case_ids == Names{"x", "y"});
  CHECK(given_up[0].bring_up);
  CHECK(given_up[0].label == "g");
  CHECK(given_up[0].reason.find("third equal failure: rank 1, phase use: worker/crashed") == 0);
  CHECK(life(queue) == "x:b y:b !");
}

TEST_CASE("failures that differ are not counted together") {
  WorkQueue queue(pair_request({}, {}));
  for (int rank = 0; rank < 5; ++rank) CHECK(queue.failed(crash(rank), at(0, 0, -1)).empty());
  CHECK(life(queue) != "-");
}

TEST_CASE("a request without cases is tried three times, then given up by its label") {
  WorkQueue queue(pair_request({}));
  CHECK(queue.failed(crash(), at(0, 0, -1)).empty());
  CHECK(queue.failed(crash(), at(0, 0, -1)).empty());
  REQUIRE_FALSE(queue.empty());
  const auto given_up = queue.failed(crash(), at(0, 0, -1));
  REQUIRE(given_up.size() == 1);
  CHECK(given_up[0].allocators.empty());
  CHECK(life(queue) == "-");
}

TEST_CASE("cases that fail alike under one allocator cost it the rest, and what failed is not listed as given up") {
  WorkQueue queue(pair_request({"w", "x", "y", "z"}));
  CHECK(queue.failed(crash(), at(4, 0, 0)).empty());  // w as a pair: 1 for a, 1 for b
  CHECK(queue.failed(crash(), at(1, 0, 0)).empty());  // w under a: 2 for a
  CHECK(life(queue) == "w:b !");
  queue.succeeded();
  CHECK(life(queue) == "x:a,b y:a,b z:a,b");
  const auto given_up = queue.failed(crash(), at(3, 0, 0));  // x as a pair: 3 for a, 2 for b
  REQUIRE(given_up.size() == 1);
  CHECK(given_up[0].allocators == Names{"a"});
  CHECK(given_up[0].case_ids == Names{"y", "z"});
  CHECK_FALSE(given_up[0].bring_up);
  CHECK(life(queue) == "x:b !");
  queue.succeeded();
  CHECK(life(queue) == "y:b z:b !");
}

TEST_CASE("a failure that names an allocator counts for no other") {
  WorkQueue queue(pair_request({"w", "x", "y", "z"}));
  Failure named = crash();
  named.allocator = "a";
  CHECK(queue.failed(named, at(4, 0, 0)).empty());         // w as a pair: 1 for a
  CHECK(queue.failed(named, at(1, 0, 0)).empty());         // w under a: 2 for a
  queue.succeeded();                                       // w under b
  const auto given_up = queue.failed(named, at(3, 0, 0));  // x as a pair: 3 for a, none for b
  REQUIRE(given_up.size() == 1);
  CHECK(given_up[0].allocators == Names{"a"});
  queue.succeeded();                                  // x under b
  CHECK(queue.failed(crash(), at(2, 0, 0)).empty());  // y under b: its first
}

TEST_CASE("a worker that fails between cases is replaced and goes on as a pair") {
  WorkQueue queue(pair_request({"x", "y"}));
  CHECK(queue.failed(crash(), at(2, 1, 0)).empty());
  CHECK(life(queue) == "y:a,b");
}

TEST_CASE("a worker that fails after its last case leaves nothing to do") {
  WorkQueue queue(pair_request({"x"}));
  CHECK(queue.failed(crash(), at(1, 1, 0)).empty());
  CHECK(life(queue) == "-");
}

TEST_CASE("workers that fail in ever new ways are bounded") {
  WorkQueue queue(pair_request({"x"}));
  int lives = 0;
  std::vector<GivenUp> given_up;
  for (; !queue.empty(); ++lives) {
    const auto items = queue.current().items.size();
    given_up = queue.failed(crash(lives), at(items, 0, -1));
  }
  CHECK(lives == 11);
  CHECK(given_up.size() == 2);
}

TEST_CASE("abandoning lists every case with every allocator that it will not run under") {
  WorkQueue queue(pair_request({"x", "y"}));
  const auto given_up = queue.abandon("because");
  REQUIRE(given_up.size() == 2);
  CHECK(given_up[0].case_ids == Names{"x", "y"});
  CHECK(given_up[1].case_ids == Names{"x", "y"});
  CHECK(given_up[1].reason == "because");
  CHECK(life(queue) == "-");
}

TEST_CASE("a work request survives its way to a worker") {
  auto request = pair_request({"x"});
  request.settings = {{"k", 1}};
  request.alone = true;
  request.attempt = 4;
  CHECK(to_json(work_request_from(to_json(request))) == to_json(request));
  CHECK(allocators_of(request) == Names{"a", "b"});
}

}  // namespace
}  // namespace symmbench
