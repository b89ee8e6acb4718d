#include "supervise/attribution.hpp"

#include <signal.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

namespace symmbench {
namespace {

using Catch::Matchers::ContainsSubstring;
using Kind = WorkerEnd::Kind;

std::vector<MemberReport> healthy(int ranks, int first = 0) {
  std::vector<MemberReport> members;
  for (int i = 0; i < ranks; ++i) {
    MemberReport member{.rank = first + i, .end = {Kind::stopped, 0}};
    member.page.started = true;
    member.page.phase = Phase::use;
    member.page.item = 0;
    members.push_back(member);
  }
  return members;
}

Failure waited(int rank, int peer, Layer layer = Layer::comm) {
  return {.layer = layer, .reason = Reason::timed_out, .phase = Phase::use, .rank = rank, .peer = peer};
}

void gives_up(MemberReport& member, int group_peer) {
  member.page.give_up = {
      .tag = 1, .rank = 0, .peer = group_peer, .slot = 1, .packet = 5, .expected = 2, .seen = 1, .call = 8};
}

TEST_CASE("a crash outranks what the survivors say about it") {
  auto members = healthy(3);
  members[0].said = {waited(0, 2)};
  members[0].order = 0;
  members[1].said = {{.layer = Layer::driver, .reason = Reason::invalid_handle, .rank = 1}};
  members[1].order = 1;
  members[2].end = {Kind::signalled, SIGSEGV};
  members[2].page.driver_call = "cuMemMap";
  members[2].page.iteration = 4;
  const auto verdict = attribute(members, {"case-x"});
  CHECK(verdict.failure.reason == Reason::crashed);
  CHECK(verdict.failure.rank == 2);
  CHECK(verdict.failure.code == SIGSEGV);
  CHECK(verdict.failure.call == "cuMemMap");
  CHECK(verdict.failure.detail ==
        "worker killed by SIGSEGV in phase use, item case-x, iteration 4, driver call cuMemMap");
  CHECK_FALSE(verdict.hung);
  REQUIRE(verdict.others.size() == 2);
  CHECK(verdict.others[0].rank == 1);
}

TEST_CASE(
    "of kernels that wait for one another the one that stopped earliest names the cause, whoever was heard first") {
  auto members = healthy(4);
  for (MemberReport& member : members) gives_up(member, 2);  // everybody waits for rank 2 in call 8
  gives_up(members[2], 1);
  members[2].page.give_up.call = 7;
  members[2].order = 3;
  const auto verdict = attribute(members, {"case-x"});
  CHECK(verdict.failure.rank == 2);
  CHECK(verdict.failure.peer == 1);
}

TEST_CASE("a supervisor that did not run explains waits in vain, and no allocator has to") {
  auto members = healthy(3);
  for (MemberReport& member : members) member.page.allocator = "a";
  members[2].said = {waited(2, 1, Layer::kernel)};
  members[1].paused_s = 12;
  const auto verdict = attribute(members, {"case-x"});
  CHECK(verdict.hung);
  CHECK(verdict.failure.layer == Layer::supervisor);
  CHECK(verdict.failure.rank == 1);
  CHECK(verdict.failure.allocator.empty());
  CHECK_THAT(verdict.failure.detail, ContainsSubstring("rank 1's supervisor did not run for 12 s"));
  REQUIRE(verdict.others.size() == 2);  // that rank 1 did not move, and who waited for it
  CHECK(verdict.others[1].layer == Layer::kernel);

  members[0].paused_s = 13;  // the whole job was stopped
  CHECK_THAT(attribute(members, {"case-x"}).failure.detail, ContainsSubstring("so it was with rank 1"));

  members[0].said = {{.layer = Layer::driver, .reason = Reason::invalid_handle, .rank = 0}};  // no wait
  CHECK(attribute(members, {"case-x"}).failure.layer == Layer::driver);
}

TEST_CASE("of two crashes the one that was heard of first is the cause") {
  auto members = healthy(3);
  members[0].end = {Kind::signalled, SIGBUS};
  members[2].end = {Kind::exited, 7};
  members[2].order = 0;
  const auto verdict = attribute(members, {});
  CHECK(verdict.failure.reason == Reason::exited);
  CHECK(verdict.failure.rank == 2);
  CHECK(verdict.failure.code == 7);
  CHECK(verdict.others.size() == 1);
}

Observation between(int after_ms, int by_ms) {
  const auto time = [](int ms) { return Clock::time_point(std::chrono::milliseconds(ms)); };
  return {.after = time(after_ms), .by = time(by_ms)};
}

TEST_CASE("of two crashes the one that its supervisor saw first is the cause, in whatever order they were heard of") {
  auto members = healthy(3);
  members[0].end = {Kind::signalled, SIGBUS};
  members[0].seen = between(1005, 1010);
  members[0].order = 0;
  members[2].end = {Kind::exited, 7};
  members[2].seen = between(990, 1004);
  SECTION("heard of later") { members[2].order = 1; }
  SECTION("found out only when all were stopped") {}
  const auto verdict = attribute(members, {});
  CHECK(verdict.failure.rank == 2);
  CHECK_THAT(verdict.failure.detail, !ContainsSubstring("not known"));
  REQUIRE(verdict.others.size() == 1);
  CHECK(verdict.others[0].rank == 0);
}

TEST_CASE("two crashes that nobody can tell the order of say so, with the uncertainty") {
  auto members = healthy(3);
  for (auto& member : members) member.end = {Kind::signalled, SIGBUS};
  members[0].seen = between(1000, 1004);
  members[1].seen = between(1003, 1005);
  members[2].seen = between(1004 + 1, 1009);
  const auto verdict = attribute(members, {});
  CHECK(verdict.failure.rank == 0);
  CHECK_THAT(verdict.failure.detail,
             ContainsSubstring("rank 1's worker died too, within 5.0 ms of it: which was first is not known"));
  CHECK_THAT(verdict.failure.detail, !ContainsSubstring("rank 2"));
  CHECK(verdict.others.size() == 2);
}

TEST_CASE("a rank's error that was seen first is the cause of one that was heard of before it") {
  auto members = healthy(2);
  for (auto& member : members) {
    member.said = {{.layer = Layer::workspace, .reason = Reason::corrupted, .rank = member.rank}};
  }
  members[0].order = 0;
  members[0].seen = between(20, 30);
  members[1].order = 1;
  members[1].seen = between(5, 10);
  CHECK(attribute(members, {}).failure.rank == 1);
}

TEST_CASE("a worker that was found hung before another one died hangs; one found later waited for the dead") {
  auto members = healthy(3);
  members[0].hung = true;
  members[0].found_hung = between(1000, 1001);
  members[0].page.idle_s = 33;
  members[1].said = {waited(1, 0)};
  members[2].end = {Kind::signalled, SIGSEGV};
  SECTION("before") {
    members[2].seen = between(1500, 1501);
    const auto verdict = attribute(members, {});
    CHECK(verdict.hung);
    CHECK(verdict.failure.rank == 0);
    CHECK_THAT(verdict.failure.detail, ContainsSubstring("rank 1 waited for it"));
    REQUIRE_FALSE(verdict.others.empty());
    CHECK(verdict.others[0].reason == Reason::crashed);
  }
  SECTION("before, and then it was killed itself") {
    members[0].end = {Kind::signalled, SIGKILL};
    members[0].seen = between(1500, 1501);
    members[2].end = {Kind::stopped, 0};
    const auto verdict = attribute(members, {});
    CHECK(verdict.hung);
    CHECK(verdict.failure.rank == 0);
  }
  SECTION("after") {
    members[2].seen = between(900, 901);
    const auto verdict = attribute(members, {});
    CHECK_FALSE(verdict.hung);
    CHECK(verdict.failure.rank == 2);
  }
}

TEST_CASE("a SIGKILL that the supervisor did not send is said to be somebody's") {
  auto members = healthy(2);
  members[1].end = {Kind::signalled, SIGKILL};
  CHECK_THAT(attribute(members, {}).failure.detail, ContainsSubstring("out of memory"));
}

TEST_CASE("a rank's own error outranks waits, and equal words of several ranks are shown once") {
  auto members = healthy(3);
  const Failure refused{
      .layer = Layer::driver, .reason = Reason::not_permitted, .call = "cuMemCreate", .rank = 1, .code = 800};
  for (auto& member : members) member.said = {refused, waited(member.rank, 1)};
  const auto verdict = attribute(members, {});
  CHECK(verdict.failure.call == "cuMemCreate");
  CHECK(verdict.failure.rank == 1);
  CHECK(verdict.others.size() == 3);
  CHECK_FALSE(verdict.hung);
}

TEST_CASE("the silent rank that the others' kernels wait for did not move") {
  auto members = healthy(4, 4);  // the second group: group rank 2 is world rank 6
  for (const int i : {0, 1, 3}) gives_up(members[static_cast<std::size_t>(i)], 2);
  members[2].page.idle_s = 20;
  members[2].page.driver_call = "cuStreamSynchronize";
  const auto verdict = attribute(members, {"case-x"});
  CHECK(verdict.hung);
  CHECK(verdict.failure.layer == Layer::worker);
  CHECK(verdict.failure.reason == Reason::timed_out);
  CHECK(verdict.failure.rank == 6);
  CHECK(verdict.failure.phase == Phase::use);
  CHECK(verdict.failure.detail ==
        "rank 6 did not move for 20 s in phase use, item case-x, driver call cuStreamSynchronize; "
        "ranks 4, 5, 7 waited for it");
  CHECK(verdict.others.size() == 3);
  CHECK_THAT(verdict.others[0].detail, ContainsSubstring("packet 5"));
}

TEST_CASE("a chain of waits is followed to its end") {
  auto members = healthy(3);
  gives_up(members[0], 1);
  members[1].waited_for = {2};
  members[2].page.idle_s = 9;
  const auto verdict = attribute(members, {});
  CHECK(verdict.failure.rank == 2);
  CHECK_THAT(verdict.failure.detail, ContainsSubstring("ranks 0, 1 waited for it"));
}

TEST_CASE("when everybody waits for somebody the kernel's wait is the failure") {
  auto members = healthy(2);
  members[0].said = {waited(0, 1, Layer::kernel)};
  members[0].said[0].call = "wait one_shot";
  gives_up(members[0], 1);
  members[1].waited_for = {0};
  const auto verdict = attribute(members, {});
  CHECK(verdict.hung);
  CHECK(verdict.failure.layer == Layer::kernel);
  CHECK(verdict.failure.rank == 0);
  CHECK(verdict.failure.peer == 1);
  CHECK(verdict.others.empty());  // the page says the same thing with fewer words
}

TEST_CASE("a rank that reports the others' failure is not stuck") {
  auto members = healthy(3);
  for (auto& member : members) member.said = {waited(0, 2)};  // a vote told everybody
  const auto verdict = attribute(members, {});
  CHECK(verdict.failure.rank == 0);
  CHECK(verdict.failure.peer == 2);
}

TEST_CASE("a rank that overdrew its allowance is to blame when nobody waits for it") {
  auto members = healthy(2);
  members[1].hung = true;
  members[1].page.idle_s = 33;
  const auto verdict = attribute(members, {});
  CHECK(verdict.hung);
  CHECK(verdict.failure.rank == 1);
  CHECK(verdict.failure.detail == "rank 1 did not move for 33 s in phase use");
}

TEST_CASE("a failure names the allocator in whose work its rank was, and the process") {
  auto members = healthy(2);
  for (auto& member : members) member.page.allocator = "b";  // the other one is a step ahead
  members[1].page.allocator = "a";
  members[1].page.pid = 4711;
  SECTION("of a death") {
    members[1].end = {Kind::signalled, SIGKILL};
    members[0].said = {waited(0, 1)};
  }
  SECTION("of an error") {
    members[1].said = {{.layer = Layer::workspace, .reason = Reason::corrupted, .rank = 1}};
    members[0].said = members[1].said;  // a vote told everybody, this one first
    members[0].order = 0;
  }
  SECTION("of a rank that does not move") { members[0].said = {waited(0, 1)}; }
  const auto verdict = attribute(members, {"case-x"});
  CHECK(verdict.failure.rank == 1);
  CHECK(verdict.failure.allocator == "a");
  CHECK(verdict.failure.pid == 4711);
  CHECK(verdict.failure.doing == "in phase use of a, item case-x");
}

TEST_CASE("a rank that stopped in nobody's work was missed in that of those who wait for it") {
  auto members = healthy(3);
  for (const std::size_t waiter : {0, 2}) {
    members[waiter].page.allocator = "a";
    members[waiter].said = {waited(static_cast<int>(waiter), 1)};
  }
  CHECK(attribute(members, {}).failure.allocator == "a");
  members[2].page.allocator = "b";
  CHECK(attribute(members, {}).failure.allocator.empty());
}

TEST_CASE("what /proc told of a stuck worker before it was killed is evidence") {
  auto members = healthy(2);
  members[0].said = {waited(0, 1)};
  members[1].process = "state T (stopped by a signal)";
  CHECK_THAT(attribute(members, {}).failure.detail, ContainsSubstring("its process: state T (stopped by a signal)"));
}

TEST_CASE("of a worker whose supervisor does not answer nothing is claimed") {
  auto members = healthy(2);
  members[0].said = {waited(0, 1)};
  members[1].page = {};
  members[1].page_unknown = true;
  const Failure failure = attribute(members, {}).failure;
  CHECK(failure.layer == Layer::supervisor);
  CHECK(failure.rank == 1);
  CHECK(failure.detail ==
        "rank 1's supervisor does not answer; what its worker does is not known; rank 0 waited for it");
}

TEST_CASE("a worker that never reached its main is described as such") {
  auto members = healthy(2);
  members[0].page = {};
  members[0].end = {Kind::exited, 127};
  CHECK(attribute(members, {}).failure.detail == "worker left with status 127 without a word before its main");
}

}  // namespace
}  // namespace symmbench
