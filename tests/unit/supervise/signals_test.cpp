#include "supervise/signals.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

namespace symmbench {
namespace {

TEST_CASE("a signal is told with its sender, as far as that is known") {
  const SignalWatch watch;
  CHECK(watch.received() == 0);
  SECTION("this process itself") {
    kill(getpid(), SIGTERM);
    CHECK(watch.cause() == "SIGTERM");
  }
  SECTION("another process") {
    const pid_t self = getpid();
    const pid_t child = fork();
    if (child == 0) {
      kill(self, SIGINT);
      _exit(0);
    }
    while (watch.received() == 0) {
    }
    CHECK(watch.cause().starts_with(fmt::format("SIGINT (from pid {}", child)));
    waitpid(child, nullptr, 0);
  }
}

TEST_CASE(
    "whoever was started with signals blocked and ignored dies of its parent's end and of an alarm all the same") {
  for (const int signal : {SIGTERM, SIGALRM}) {
    const pid_t child = fork();
    if (child == 0) {
      sigset_t all;
      sigfillset(&all);
      sigprocmask(SIG_SETMASK, &all, nullptr);
      ::signal(signal, SIG_IGN);
      ::signal(SIGCHLD, SIG_IGN);
      die_with_parent();
      struct sigaction children {};
      sigaction(SIGCHLD, nullptr, &children);
      if (children.sa_handler != SIG_DFL) _exit(1);  // else nobody learns what became of a worker
      raise(signal);
      _exit(2);
    }
    int status = 0;
    waitpid(child, &status, 0);
    CHECK((WIFSIGNALED(status) && WTERMSIG(status) == signal));
  }
}

}  // namespace
}  // namespace symmbench
