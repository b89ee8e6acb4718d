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

}  // namespace
}  // namespace symmbench
