#include "supervise/worker_keeper.hpp"

#include <sched.h>
#include <signal.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cerrno>

#include "supervised_job.hpp"

namespace symmbench::test {
namespace {

/// A keeper of rank 0 alone, with everything that it told the coordinator.
struct Kept {
  explicit Kept(std::vector<std::string> argv, ChannelFaults faults = {}, double silent_s = deadline::kSilent_s)
      : keeper({.launch = {.isolate = true, .argv = std::move(argv), .task = {}, .start_s = 300},
                .round_s = 4 * silent_s,
                .silent_s = silent_s,
                .channel_faults = std::move(faults)},
               0, 1, journal, [this](std::uint32_t kind, std::span<const std::byte> body) {
                 kinds.push_back(kind);
                 bodies.push_back(json_of(body));
               }) {}

  void start(int attempt) {
    auto request = scripted_request("g", {});
    request.attempt = attempt;
    keeper.handle(message::kStart, body_of(to_json(request)));
  }
  void stop(int attempt) { keeper.handle(message::kStop, body_of({{"attempt", attempt}})); }
  void until_gone() {
    const auto deadline = Deadline::in_seconds(60);
    while (keeper.has_worker() && !deadline.expired()) {
      keeper.tick();
      sched_yield();
    }
    CHECK_FALSE(keeper.has_worker());
  }

  RecordList journal;
  std::vector<std::uint32_t> kinds;
  std::vector<Json> bodies;
  WorkerKeeper keeper;
};

TEST_CASE("a dismissed worker is gone without a word, a later stop is answered, and no other is started") {
  Kept kept({"/bin/sleep", "1000"});
  kept.start(4);
  CHECK(kept.keeper.has_worker());
  kept.keeper.dismiss();
  kept.until_gone();
  CHECK(kept.kinds.empty());
  kept.stop(4);
  REQUIRE(kept.kinds == std::vector<std::uint32_t>{message::kStopped});
  CHECK(kept.bodies[0].at("attempt") == 4);
  CHECK(stopped_report_from(kept.bodies[0]).end.kind == WorkerEnd::Kind::stopped);
  kept.start(5);
  CHECK_FALSE(kept.keeper.has_worker());
}

TEST_CASE("a supervisor that did not run for a while says so when its worker is stopped") {
  const double silent_s = GENERATE(0.0, 1e6);  // any time between two looks is longer than none
  Kept kept({"/bin/sleep", "1000"}, {}, silent_s);
  kept.start(4);
  kept.keeper.tick();
  kept.stop(4);
  kept.until_gone();
  CHECK((stopped_report_from(kept.bodies.back()).paused_s > 0) == (silent_s == 0));
}

TEST_CASE("a stop is answered once, after the worker has gone, and a stop of another attempt not at all") {
  Kept kept({"/bin/sleep", "1000"});
  kept.start(4);
  kept.stop(3);
  CHECK(kept.keeper.has_worker());
  kept.stop(4);
  kept.stop(4);
  CHECK(kept.kinds.empty());
  kept.until_gone();
  kept.stop(4);
  CHECK(kept.kinds == std::vector<std::uint32_t>{message::kStopped});
  CHECK(children().empty());
}

TEST_CASE("a worker that somebody killed before its supervisor could is not taken for stopped") {
  Kept kept({"/bin/sleep", "1000"});
  kept.start(0);
  REQUIRE(children().size() == 1);
  kill(children().front(), SIGKILL);
  kept.stop(0);  // before the keeper looked at it again
  kept.until_gone();
  REQUIRE(kept.kinds == std::vector<std::uint32_t>{message::kStopped});
  const auto end = stopped_report_from(kept.bodies[0]).end;
  CHECK(end.kind == WorkerEnd::Kind::signalled);
  CHECK(end.code == SIGKILL);
}

TEST_CASE("a worker that died before it was stopped is reported with its own end, twice") {
  Kept kept({"/bin/sh", "-c", "exit 9"});
  kept.start(0);
  kept.until_gone();
  kept.stop(0);
  REQUIRE(kept.kinds == std::vector<std::uint32_t>{message::kDied, message::kStopped});
  for (const Json& body : kept.bodies) {
    const auto end = worker_end_from(body.at("end"));
    CHECK(end.kind == WorkerEnd::Kind::exited);
    CHECK(end.code == 9);
  }
}

TEST_CASE("a worker that talks nonsense is taken for failed, not believed") {
  Kept kept({"/bin/sh", "-c", "printf '\\377\\377\\377\\377\\001\\000\\000\\000' >&3; exec sleep 1000"});
  kept.start(0);
  const auto deadline = Deadline::in_seconds(60);
  while (kept.kinds.empty() && !deadline.expired()) kept.keeper.tick();
  REQUIRE(kept.kinds == std::vector<std::uint32_t>{message::kFailed});
  const auto failures = failures_from_json(kept.bodies[0].at("failures"));
  CHECK(failures.at(0).reason == Reason::corrupted);
  CHECK(failures.at(0).rank == 0);
}

TEST_CASE("a send that the system refuses is the failure of that worker, and the next one is spared") {
  Kept kept({"/bin/sleep", "1000"}, {.supervisor = {{.call = ChannelCall::send, .nth = 2, .code = ENOMEM}}});
  const auto round_result = encode(RoundResult{});
  for (const int attempt : {0, 1}) {
    kept.start(attempt);
    kept.keeper.handle(kRoundResult, round_result);
    kept.stop(attempt);
    kept.until_gone();
  }
  REQUIRE(kept.kinds == std::vector<std::uint32_t>{message::kFailed, message::kStopped, message::kStopped});
  const auto failure = failures_from_json(kept.bodies[0].at("failures")).at(0);
  CHECK(failure.call == "send");
  CHECK(failure.code == ENOMEM);
  CHECK(failure.rank == 0);
}

}  // namespace
}  // namespace symmbench::test
