#include "supervise/peer_watch.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "journal/records.hpp"

namespace symmbench {
namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;

/// A process that does nothing, as a supervisor would describe it.
class Sleeper {
 public:
  Sleeper() : pid_(fork()) {
    if (pid_ == 0) {
      while (true) pause();
    }
  }
  ~Sleeper() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  /// It has taken effect when this returns; a dead one is not reaped.
  void strike(int signal) const {
    kill(pid_, signal);
    siginfo_t seen{};
    waitid(P_PID, static_cast<id_t>(pid_), &seen, WEXITED | WSTOPPED | WNOWAIT);
  }
  ProcessIdentity identity() const {
    ProcessIdentity who = this_process();
    who.pid = pid_;
    who.started = start_time_of(pid_);
    return who;
  }

 private:
  pid_t pid_;
};

TEST_CASE("a process is seen alive, stopped and gone, and a stranger with its pid is not taken for it") {
  const Sleeper sleeper;
  ProcessIdentity who = sleeper.identity();
  CHECK(look_at(who) == ProcessSight::alive);
  sleeper.strike(SIGSTOP);
  CHECK(look_at(who) == ProcessSight::stopped);
  CHECK_THAT(proc_evidence(who.pid), ContainsSubstring("state T (stopped by a signal)"));
  ++who.started;
  CHECK(look_at(who) == ProcessSight::gone);
  --who.started;
  sleeper.strike(SIGKILL);
  CHECK(look_at(who) == ProcessSight::gone);
  CHECK(is_being_killed(who.pid));
  who.boot_id = "another machine";
  CHECK(look_at(who) == ProcessSight::unseen);
}

TEST_CASE("a process that cannot be looked at for want of descriptors is not called dead") {
  const Sleeper sleeper;
  const ProcessIdentity who = sleeper.identity();
  REQUIRE(look_at(who) == ProcessSight::alive);
  rlimit usual{};
  getrlimit(RLIMIT_NOFILE, &usual);
  const rlimit none{.rlim_cur = 0, .rlim_max = usual.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  const auto sight = look_at(who);
  setrlimit(RLIMIT_NOFILE, &usual);
  CHECK(sight == ProcessSight::unseen);
}

TEST_CASE("where /proc is of another pid namespace, nobody is seen and nobody is accused") {
  const pid_t outer = fork();
  if (outer == 0) {
    if (unshare(CLONE_NEWPID) != 0) _exit(77);
    const pid_t inner = fork();
    if (inner == 0) {
      // Its number is that of a stranger in /proc.
      const bool blind = look_at(this_process()) == ProcessSight::unseen && start_time_of(getpid()) == 0 &&
                         proc_evidence(getpid()).empty() && !is_being_killed(getpid());
      _exit(blind ? 0 : 1);
    }
    int status = 1;
    waitpid(inner, &status, 0);
    _exit(WEXITSTATUS(status));
  }
  int status = 1;
  waitpid(outer, &status, 0);
  if (WEXITSTATUS(status) == 77) SKIP("pid namespaces cannot be made here");
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a dead supervisor is told once, with host, pid and its last record") {
  const Sleeper sleeper;
  PeerWatch peers(3);
  peers.identify(2, sleeper.identity());
  peers.heard(2);
  peers.recorded(2, Json{{"type", "row"}, {"case_id", "case-x"}});
  CHECK_FALSE(peers.death());
  sleeper.strike(SIGKILL);
  const auto death = peers.death();
  REQUIRE(death);
  CHECK(death->layer == Layer::supervisor);
  CHECK(death->reason == Reason::crashed);
  CHECK(death->rank == 2);
  CHECK(death->pid == sleeper.identity().pid);
  CHECK_THAT(death->detail, ContainsSubstring("died; its last record was: row of case-x"));
  CHECK_FALSE(peers.death());
}

TEST_CASE("nobody is called dead who said that it leaves, or who is out of sight") {
  const Sleeper sleeper;
  PeerWatch peers(3);
  peers.identify(1, sleeper.identity());
  peers.leaves(1);
  ProcessIdentity far = sleeper.identity();
  far.boot_id = "another machine";
  peers.identify(2, far);
  sleeper.strike(SIGKILL);
  CHECK_FALSE(peers.death());
}

TEST_CASE("of a process on another host no more than its silence is claimed") {
  const Sleeper sleeper;
  PeerWatch peers(1);
  ProcessIdentity far = sleeper.identity();
  far.boot_id = "another machine";
  peers.identify(0, far);
  peers.heard(0);
  sleeper.strike(SIGSTOP);  // as it happens, and not to be known
  const Failure failure = peers.silence(0, 7.5);
  CHECK_THAT(failure.detail, ContainsSubstring("said nothing for 7.5 s: out of sight from here"));
  CHECK_THAT(peers.sight(0), ContainsSubstring("out of sight"));
  const auto lines = peers.silent(-1);
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], ContainsSubstring("no more than its silence is known"));
}

TEST_CASE("a supervisor that falls silent is told once, and nobody who leaves, was not heard of, or is this one") {
  const Sleeper sleeper;
  PeerWatch peers(4);
  peers.start_anew();
  CHECK_FALSE(peers.frozen(0, 600));
  for (int rank = 0; rank < 4; ++rank) peers.identify(rank, sleeper.identity());
  peers.leaves(1);
  peers.leaves(3);
  sleeper.strike(SIGSTOP);
  const auto frozen = peers.frozen(0, -1);
  REQUIRE(frozen);
  CHECK(frozen->rank == 2);
  CHECK(frozen->reason == Reason::timed_out);
  CHECK_THAT(frozen->detail, ContainsSubstring("state T"));
  CHECK_FALSE(peers.frozen(0, -1));
  PeerWatch unheard(2);
  CHECK_FALSE(unheard.frozen(0, -1));
}

TEST_CASE("where all ranks of one host are silent, and not all of the job, the host or its network is named") {
  const auto on = [](const char* host) {
    return ProcessIdentity{.host = host, .boot_id = "another machine", .pid = 1};
  };
  const std::string told = "; nothing came from rank 3 either, and they are all of far: the host, or the network to it";
  PeerWatch peers(4);
  for (int rank = 0; rank < 4; ++rank) {
    peers.identify(rank, on(rank < 2 ? "near" : "far"));
    if (rank != 3) peers.heard(rank);
  }
  CHECK_THAT(peers.silence(2, 7.5).detail, EndsWith("is known"));  // of rank 3 nothing is known at all
  peers.start_anew();
  CHECK_THAT(peers.silence(2, 7.5).detail, EndsWith(told));
  CHECK_THAT(peers.sight(2), EndsWith(told));
  peers.identify(0, on("far"));
  peers.identify(1, on("far"));
  CHECK_THAT(peers.sight(2), EndsWith("is known"));  // a job of one host has nowhere else to be heard from
}

TEST_CASE("who cannot listen for moments still finds a supervisor that stands still, and excuses no more than those") {
  const Sleeper sleeper;
  PeerWatch peers(2);
  peers.identify(1, sleeper.identity());
  peers.heard(1);
  const auto heard = Clock::now();
  while (Clock::now() - heard < std::chrono::milliseconds(20)) {
  }
  peers.could_not_hear_for(0.001);
  CHECK(peers.frozen(0, 0.015));
  peers.heard(1);
  peers.could_not_hear_for(600);
  CHECK_FALSE(peers.frozen(0, 60));
}

TEST_CASE("what can be seen of a process is its state, or that it is dead") {
  const Sleeper sleeper;
  PeerWatch peers(1);
  peers.identify(0, sleeper.identity());
  sleeper.strike(SIGSTOP);
  CHECK_THAT(peers.sight(0), ContainsSubstring(": state T (stopped by a signal)"));
  sleeper.strike(SIGKILL);
  CHECK_THAT(peers.sight(0), ContainsSubstring(": dead"));
}

TEST_CASE("a supervisor that stands still is told with the state of its process") {
  const Sleeper sleeper;
  PeerWatch peers(1);
  peers.identify(0, sleeper.identity());
  sleeper.strike(SIGSTOP);
  const Failure failure = peers.silence(0, 7.5);
  CHECK(failure.reason == Reason::timed_out);
  CHECK_THAT(failure.detail, ContainsSubstring("said nothing for 7.5 s: state T"));
}

}  // namespace
}  // namespace symmbench
