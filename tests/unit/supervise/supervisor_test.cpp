#include "supervise/supervisor.hpp"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <thread>

#include "comm/thread_transport.hpp"
#include "supervise/messages.hpp"
#include "supervise/process_identity.hpp"
#include "supervised_job.hpp"
#include "support/failures.hpp"

namespace symmbench::test {
namespace {

using Catch::Matchers::ContainsSubstring;

const std::vector<WorkItem> kItems{{"x", {"a", "b"}}, {"y", {"a", "b"}}, {"z", {"a", "b"}}};

TEST_CASE("workers of all ranks go through the work, and every record reaches rank 0") {
  const int ranks = GENERATE(2, 4);
  SupervisedJob job{.ranks = ranks, .group_size = ranks};
  job.run({scripted_request("one", kItems), scripted_request("two", {{"w", {"a"}}})}, 77);
  CHECK_FALSE(job.outcome.interrupted);
  CHECK(job.rows() == "x:a,b y:a,b z:a,b w:a");
  CHECK(job.all.records.at(0).at("ranks") == ranks);
  CHECK(job.all.records.at(0).at("nonce") == "nonce");
  CHECK(job.all.records == job.journals[0].records);
  CHECK(job.exit_codes == std::vector<int>(static_cast<std::size_t>(ranks), 77));
  CHECK(job.orderly);
  CHECK(children().empty());
}

TEST_CASE("groups of ranks do the same work side by side, and each leader's rows reach rank 0") {
  SupervisedJob job{.ranks = 4, .group_size = 2};
  job.run({scripted_request("g", kItems, {{.rank = 3, .item = "y", .allocator = "", .what = "segv"}})});
  int first = 0, second = 0;
  for (const auto& row : job.of_type("row")) (row.at("leader") == 0 ? first : second) += 1;
  CHECK(first == 3);
  CHECK(second == 2);  // x and z; y failed as a pair and alone
  CHECK(job.journals[2].records.size() == 2);
  for (const auto& failure : job.of_type("failure")) CHECK(failure.at("group") == 1);
  CHECK(job.of_type("failure").size() == 3);
  CHECK(children().empty());
}

TEST_CASE("a worker that crashes in a case costs that case only") {
  const int ranks = GENERATE(2, 4);
  SupervisedJob job{.ranks = ranks, .group_size = ranks};
  job.run({scripted_request("g", kItems, {{.rank = 1, .item = "y", .allocator = "a", .what = "segv"}})});
  CHECK(job.rows() == "x:a,b y:b! z:a,b");
  const auto failures = job.of_type("failure");
  REQUIRE(failures.size() == 2);
  const auto pair = failure_record_from(failures[0]);
  CHECK(pair.case_id == "y");
  CHECK(pair.failure.reason == Reason::crashed);
  CHECK(pair.failure.rank == 1);
  CHECK(pair.failure.code == SIGSEGV);
  CHECK(pair.failure.phase == Phase::use);
  CHECK_THAT(pair.failure.detail, ContainsSubstring("SIGSEGV in phase use, item y"));
  CHECK(failure_record_from(failures[1]).alone);
  CHECK(job.exit_codes.back() == 0);
  CHECK(job.orderly);
  CHECK(children().empty());
}

TEST_CASE("a worker that leaves without a word is told by its exit status") {
  SupervisedJob job;
  job.run({scripted_request("g", {{"x", {"a"}}, {"y", {"a"}}},
                            {{.rank = 0, .item = "x", .allocator = "", .what = "exit 7"}})});
  CHECK(job.rows() == "y:a");
  CHECK(job.only_failure().failure.reason == Reason::exited);
  CHECK(job.only_failure().failure.code == 7);
  CHECK(job.only_failure().failure.rank == 0);
  CHECK(children().empty());
}

TEST_CASE("what a task throws is recorded as it was thrown, with rank and phase") {
  SupervisedJob job;
  job.run({scripted_request("g", {{"x", {"a"}}, {"y", {"a"}}},
                            {{.rank = 1, .item = "x", .allocator = "", .what = "throw"}})});
  CHECK(job.rows() == "y:a");
  const auto record = job.only_failure();
  CHECK(record.status == "failed");
  CHECK(record.failure.call == "cuMemCreate");
  CHECK(record.failure.code == 800);
  CHECK(record.failure.rank == 1);
  CHECK(record.failure.phase == Phase::use);
}

TEST_CASE("a stopped worker is found by those who wait for it, named with its driver call, and killed") {
  const int ranks = GENERATE(2, 4);
  SupervisedJob job{.ranks = ranks, .group_size = ranks, .round_s = 1, .settle_s = 0.3};
  job.run({scripted_request("g", {{"x", {"a"}}, {"y", {"a"}}},
                            {{.rank = 1, .item = "x", .allocator = "", .what = "stop"}})});
  CHECK(job.rows() == "y:a");
  const auto record = job.only_failure();
  CHECK(record.status == "hung");
  CHECK(record.failure.layer == Layer::worker);
  CHECK(record.failure.reason == Reason::timed_out);
  CHECK(record.failure.rank == 1);
  CHECK(record.failure.call == "cuMemMap");
  CHECK_THAT(record.failure.detail, ContainsSubstring("rank 1 did not move for"));
  CHECK_THAT(record.failure.detail,
             ContainsSubstring(ranks == 2 ? "rank 0 waited for it" : "ranks 0, 2, 3 waited for it"));
  CHECK(children().empty());
}

TEST_CASE("a worker that spins past its own allowance is found by its supervisor before the round is over") {
  SupervisedJob job{.round_s = 60, .watchdog_s = 0.5, .settle_s = 0.3};
  job.run({scripted_request("g", {{"x", {"a"}}, {"y", {"a"}}},
                            {{.rank = 1, .item = "x", .allocator = "", .what = "spin"}})});
  CHECK(job.rows() == "y:a");
  CHECK(job.only_failure().status == "hung");
  CHECK(job.only_failure().failure.rank == 1);
  CHECK(job.only_failure().failure.call == "cuCtxSynchronize");
  CHECK(job.only_failure().others.empty());  // rank 0 was still waiting
  CHECK(children().empty());
}

TEST_CASE("a worker that leaves early fails the others at once, not at a deadline") {
  SupervisedJob job{.round_s = 300, .settle_s = 0.3};
  job.run({scripted_request("g", {{"x", {"a"}}}, {{.rank = 1, .item = "x", .allocator = "", .what = "leave"}})});
  CHECK(job.only_failure().failure.reason == Reason::peer_failed);
  CHECK(job.only_failure().failure.peer == 1);
}

TEST_CASE("an allocator that cannot be brought up is given up, the other one gets its rows") {
  SupervisedJob job;
  job.run({scripted_request("g", kItems, {{.rank = 0, .item = "", .allocator = "a", .what = "throw"}})});
  CHECK(job.rows() == "x:b! y:b! z:b!");
  CHECK(job.of_type("failure").size() == 3);
  int skipped = 0;
  for (const auto& event : job.of_type("event")) {
    if (event.at("what") != "group_skipped") continue;
    ++skipped;
    CHECK(event.at("data").at("case_ids") == Json({"x", "y", "z"}));
    CHECK(event.at("data").at("allocators") == Json({"a"}));
  }
  CHECK(skipped == 1);
}

TEST_CASE("a request without cases that fails once is run once more") {
  SupervisedJob job;
  job.run({scripted_request("lifecycle", {},
                            {{.rank = 1, .item = "", .allocator = "", .what = "segv", .until_attempt = 1}})});
  CHECK(job.only_failure().label == "lifecycle");
  CHECK_FALSE(job.only_failure().case_id);
  CHECK_FALSE(job.outcome.interrupted);
}

TEST_CASE("a worker program that cannot be started fails the request, not the job") {
  ThreadTransportHub hub(1);
  const auto endpoint = hub.endpoint(0);
  RecordList journal, all;
  Supervisor supervisor(*endpoint, {.group_size = 1, .worker_argv = {"/no/such/worker"}}, journal, &all);
  CHECK_FALSE(supervisor.run({scripted_request("g", {{"x", {"a"}}})}, 60).interrupted);
  REQUIRE(all.records.size() == 6);  // three failures, two restarts, one giving up
  CHECK(failure_record_from(all.records[0]).failure.call == "posix_spawn");
  CHECK(all.records.back().at("what") == "group_skipped");
  CHECK(supervisor.finish(1));
}

TEST_CASE("the time limit stops the workers and says so") {
  SupervisedJob job{.time_limit_s = 0.5};
  job.run({scripted_request("g", kItems, {{.rank = 1, .item = "y", .allocator = "", .what = "stop"}}),
           scripted_request("h", kItems)},
          3);
  CHECK(job.outcome.interrupted);
  CHECK(job.outcome.interrupted_by == "time limit");
  CHECK(job.rows() == "x:a,b");
  CHECK(job.of_type("failure").empty());
  CHECK(job.orderly);
  CHECK(job.exit_codes == std::vector<int>{3, 3});
  CHECK(children().empty());
}

TEST_CASE("a termination request ends the run, the workers and the other ranks, and is no failure of anybody") {
  const int signal = GENERATE(SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2);
  const bool workers_first = GENERATE(false, true);  // as batch systems do, which signal every process of a job
  SupervisedJob job{.ranks = 4, .group_size = 2};
  job.meanwhile = [signal, workers_first] {
    while (children().size() < 4) std::this_thread::yield();
    for (const pid_t worker : workers_first ? children() : decltype(children()){}) kill(worker, signal);
    kill(getpid(), signal);
  };
  job.run({scripted_request("g", kItems,
                            {{.rank = 1, .item = "y", .allocator = "", .what = "stop"},
                             {.rank = 3, .item = "y", .allocator = "", .what = "stop"}})},
          3);
  CHECK(job.outcome.interrupted);
  CHECK(job.outcome.interrupted_by == signal_name(signal));
  CHECK(job.of_type("failure").empty());
  CHECK(job.exit_codes == std::vector<int>{3, 3, 3, 3});
  CHECK(children().empty());
}

TEST_CASE("a rank whose supervisor is gone ends the run as lost, within the bound") {
  ThreadTransportHub hub(2);
  const auto endpoint = hub.endpoint(0);
  RecordList journal, all;
  Supervisor supervisor(
      *endpoint,
      {.group_size = 2, .round_s = 0.3, .settle_s = 0.1, .stop_s = 0.3, .worker_argv = scripted_worker_argv()}, journal,
      &all);
  const auto outcome = supervisor.run({scripted_request("g", kItems)}, 60);  // rank 1 never answers
  CHECK(outcome.interrupted);
  CHECK(outcome.interrupted_by == "lost rank 1");
  CHECK_FALSE(supervisor.finish(3));
  CHECK(children().empty());
  REQUIRE(all.records.size() >= 1);
  const FailureRecord record = failure_record_from(all.records.back());
  CHECK(record.status == "hung");
  CHECK(record.failure.rank == 1);
  CHECK_THAT(record.failure.detail, ContainsSubstring("supervisor answers no more"));
}

TEST_CASE("a supervisor whose process died ends the run, unless it had said that it leaves") {
  const bool last_words = GENERATE(false, true);
  ThreadTransportHub hub(2);
  const auto endpoint = hub.endpoint(0), other = hub.endpoint(1);
  RecordList journal, all;
  Supervisor supervisor(*endpoint, {.group_size = 2, .stop_s = 0.3, .worker_argv = scripted_worker_argv()}, journal,
                        &all);
  ProcessIdentity dead = this_process();
  ++dead.started;  // this pid belongs to somebody else by now
  dead.host = "node7";
  other->send(0, envelope(message::kAlive, body_of(to_json(dead))));
  if (last_words) other->send(0, envelope(message::kInterrupted, body_of({{"signal", "SIGTERM (from the launcher)"}})));
  const auto outcome = supervisor.run({scripted_request("g", kItems)}, 60);
  CHECK(outcome.interrupted);
  CHECK(outcome.interrupted_by == (last_words ? "SIGTERM (from the launcher)" : "rank 1's process died"));
  int deaths = 0;
  for (const Json& record : all.records) {
    if (record.at("type") != "failure") continue;
    ++deaths;
    CHECK(failure_record_from(record).failure.rank == 1);
    CHECK(failure_record_from(record).failure.host == "node7");
  }
  CHECK(deaths == (last_words ? 0 : 1));
  CHECK(children().empty());
}

TEST_CASE("a rank that cannot go on says why before it leaves") {
  ThreadTransportHub hub(2);
  const auto leader = hub.endpoint(0), endpoint = hub.endpoint(1);
  RecordList journal;
  Supervisor supervisor(*endpoint, {.group_size = 2, .worker_argv = scripted_worker_argv()}, journal, nullptr);
  leader->send(1, envelope(message::kStart, body_of("no request")));
  CHECK(supervisor.serve() == 3);
  std::string why;
  while (const auto message = leader->receive()) {
    const Opened opened = open_envelope(message->bytes);
    if (opened.kind == message::kInterrupted) why = json_of(opened.body).at("signal");
  }
  CHECK_THAT(why, ContainsSubstring("rank 1 left: "));
}

TEST_CASE("a rank that hears nothing of rank 0 leaves by itself, as from a hang, and its journal says why") {
  ThreadTransportHub hub(2);
  const auto endpoint = hub.endpoint(1);
  RecordList journal;
  Supervisor supervisor(*endpoint, {.group_size = 2, .leader_s = 0.05, .worker_argv = scripted_worker_argv()}, journal,
                        nullptr);
  CHECK(supervisor.serve() == 4);
  CHECK_FALSE(supervisor.orderly());
  REQUIRE(journal.records.size() == 1);
  const FailureRecord record = failure_record_from(journal.records[0]);
  CHECK(record.status == "hung");
  CHECK(record.failure.rank == 0);
}

TEST_CASE("ranks do their last duty with rank 0's farewell before they answer it") {
  ThreadTransportHub hub(2);
  const auto first = hub.endpoint(0), second = hub.endpoint(1);
  RecordList journal;
  std::atomic<bool> done = false;
  std::thread follower([&] {
    Supervisor supervisor(*second, {.group_size = 2, .worker_argv = scripted_worker_argv()}, journal, nullptr);
    CHECK(supervisor.serve([&](const Json& farewell) { done = farewell == Json{{"keep", 1}}; }) == 7);
  });
  RecordList own, all;
  Supervisor leader(*first, {.group_size = 2, .worker_argv = scripted_worker_argv()}, own, &all);
  CHECK(leader.finish(7, {{"keep", 1}}));
  CHECK(done);
  follower.join();
}

TEST_CASE("a message that nobody can read ends the run with a reason instead of losing its report") {
  ThreadTransportHub hub(2);
  const auto endpoint = hub.endpoint(0), stranger = hub.endpoint(1);
  RecordList journal, all;
  Supervisor supervisor(*endpoint, {.group_size = 2, .worker_argv = scripted_worker_argv()}, journal, &all);
  stranger->send(0, envelope(message::kItemDone, body_of({{"attempt", 0}, {"index", "three"}})));
  const auto outcome = supervisor.run({scripted_request("g", kItems)}, 60);
  CHECK(outcome.interrupted);
  CHECK_THAT(outcome.interrupted_by, ContainsSubstring("type must be number"));
  CHECK(children().empty());
}

TEST_CASE("without isolation the workers are threads of the same program and do the same work") {
  SupervisedJob job{.ranks = 4, .group_size = 4, .isolate = false};
  job.run({scripted_request("g", kItems, {{.rank = 2, .item = "y", .allocator = "a", .what = "throw"}})});
  CHECK(job.rows() == "x:a,b y:b! z:a,b");
  CHECK(job.of_type("failure").size() == 2);
  CHECK(job.orderly);
}

TEST_CASE("workers see multicast switched off") {
  SupervisedJob job;
  job.run({scripted_request("g", {}, {{.rank = 1, .item = "", .allocator = "", .what = "tell environment"}})});
  REQUIRE(job.of_type("environment").size() == 1);
  CHECK(job.of_type("environment")[0].at("NCCL_NVLS_ENABLE") == "0");
  CHECK(job.journals[1].records.size() == 1);
}

/// A transport that breaks at the n-th message it is asked for.
class BreakingTransport final : public Transport {
 public:
  BreakingTransport(Transport& inner, int good) : inner_(inner), good_(good) {}
  int rank() const override { return inner_.rank(); }
  int size() const override { return inner_.size(); }
  void send(int to, std::span<const std::byte> bytes) override { inner_.send(to, bytes); }
  std::optional<PeerMessage> receive() override {
    auto message = inner_.receive();
    if (message && --good_ < 0) throw Error{{.layer = Layer::comm, .reason = Reason::internal, .call = "MPI_Improbe"}};
    return message;
  }
  void progress() override {}
  bool all_sent() override { return true; }

 private:
  Transport& inner_;
  int good_;
};

TEST_CASE("a transport that breaks ends the run with its own words, and no worker outlives it") {
  ThreadTransportHub hub(1);
  const auto endpoint = hub.endpoint(0);
  RecordList journal, all;
  {
    BreakingTransport transport(*endpoint, 4);
    Supervisor supervisor(transport, {.group_size = 1, .worker_argv = scripted_worker_argv()}, journal, &all);
    const auto outcome = supervisor.run({scripted_request("g", kItems)}, 60);
    CHECK(outcome.interrupted);
    CHECK_THAT(outcome.interrupted_by, ContainsSubstring("MPI_Improbe"));
  }
  CHECK(children().empty());
}

TEST_CASE("groups that do not divide the job are refused") {
  ThreadTransportHub hub(4);
  const auto endpoint = hub.endpoint(0);
  RecordList journal;
  const auto failure = failure_of([&] { Supervisor(*endpoint, {.group_size = 3}, journal, nullptr); });
  CHECK(failure.reason == Reason::invalid_argument);
  CHECK_THAT(failure.detail, ContainsSubstring("groups of 3 ranks do not divide 4 ranks"));
}

}  // namespace
}  // namespace symmbench::test
