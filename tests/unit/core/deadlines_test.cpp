#include "core/deadlines.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_test_macros.hpp>

#include "core/alarm.hpp"

using namespace symmbench;

namespace {

constexpr Deadlines kUsual = deadlines_of(20, 1);

}  // namespace

TEST_CASE("of the waits that lie in one another the inner one ends first") {
  for (const double scale : {0.1, 1.0, 8.0}) {
    const Deadlines deadlines = deadlines_of(20, scale);
    CHECK(deadlines.round_s == 20 * scale);
    CHECK(deadlines.kernel_wait_s < deadlines.stream_s);
    CHECK(deadlines.stream_s < deadlines.round_s);
    CHECK(deadlines.round_s < deadlines.watchdog_s);
  }
}

TEST_CASE("what supervisors wait for each other grows with what makes machines slow, and never shrinks") {
  const Deadlines hasty = deadlines_of(0.5, 0.1), busy = deadlines_of(20, 8);
  CHECK(hasty.settle_s == kUsual.settle_s);
  CHECK(hasty.stop_s == kUsual.stop_s);
  CHECK(hasty.leader_s == deadline::kLeastLeader_s);
  CHECK(busy.settle_s == 8 * kUsual.settle_s);
  CHECK(busy.stop_s == 8 * kUsual.stop_s);
  for (const auto member : {&Deadlines::die_s, &Deadlines::between_runs_s, &Deadlines::context_s, &Deadlines::tell_s}) {
    CHECK(hasty.*member == kUsual.*member);
    CHECK(busy.*member == 8 * kUsual.*member);
  }
  for (const auto member : {&Deadlines::silent_s, &Deadlines::finish_s}) {
    CHECK(hasty.*member == kUsual.*member);
    CHECK(busy.*member == kMostOfSigns * kUsual.*member);
  }
  for (const Deadlines& each : {hasty, kUsual, busy}) {
    CHECK(each.die_s < each.stop_s);  // a supervisor tells of a worker that does not die
    CHECK(each.leader_s >= each.watchdog_s);
  }
}

TEST_CASE("work is allowed several times what it was measured to take, on top of what nothing may take") {
  CHECK(allowance_s(kUsual, 0) == kUsual.round_s);
  CHECK(allowance_s(kUsual, 33) >= 3 * 33.0);
}

TEST_CASE("a batch is as long as its work may last within a round's time") {
  const double iteration_s = 3.3e-3;
  const auto longest = longest_batch(kUsual, iteration_s);
  CHECK(static_cast<double>(longest) * iteration_s * kWorkFactor <= kUsual.round_s);
  CHECK(static_cast<double>(longest + 1) * iteration_s * kWorkFactor > kUsual.round_s);
  CHECK(allowance_s(kUsual, static_cast<double>(longest) * iteration_s) <= 2 * kUsual.round_s);
}

TEST_CASE("an iteration that is too long for any batch is a batch by itself, and allowed its time") {
  CHECK(longest_batch(kUsual, 1000) == 1);
  CHECK(allowance_s(kUsual, 1000) > 1000);
  CHECK(longest_batch(kUsual, 0) > 1'000'000'000);
}

TEST_CASE("a batch that is too long is split in equal parts, without losing iterations") {
  CHECK(split_batch(10, 10) == 10);
  CHECK(split_batch(10, 1000) == 10);
  CHECK(split_batch(10000, 1515) == 1429);
  CHECK(split_batch(11, 10) == 6);
  CHECK(split_batch(7, 1) == 1);
  for (const std::uint64_t longest : {1, 3, 7, 100}) {
    const auto part = split_batch(1000, longest);
    CHECK(part <= longest);
    CHECK(part * ((1000 + longest - 1) / longest) >= 1000);
  }
}

TEST_CASE(
    "what nobody has measured is assumed to take longer with more bytes, and on emulated ranks with more of them") {
  for (const bool emulated : {false, true}) {
    CHECK(assumed_iteration_s(4, 16e6, emulated) > assumed_iteration_s(4, 1e3, emulated));
    CHECK(assumed_fill_s(4, 1e9, emulated) > assumed_fill_s(4, 1e6, emulated));
  }
  CHECK(assumed_iteration_s(8, 1e6, true) > assumed_iteration_s(4, 1e6, true));
}

TEST_CASE("a host with a core for every task widens no deadline, a busy one by its tasks per core") {
  CHECK(widening(HostLoad{.cores = 16, .load_1m = 3, .ranks = 4}) == 1);
  CHECK(widening(HostLoad{.cores = 2, .load_1m = 14, .ranks = 2}) == 7);
  CHECK(widening(HostLoad{.cores = 2, .load_1m = 0.5, .ranks = 4}) == 2);
  CHECK(widening(HostLoad{.cores = 0.5, .load_1m = 1, .ranks = 1}) == 2);
  CHECK(widening(HostLoad{.cores = 1, .load_1m = 500, .ranks = 1}) == kMostWidening);
  CHECK(widening(HostLoad{.cores = 0, .load_1m = 1, .ranks = 1}) == kMostWidening);
}

TEST_CASE("the busiest host decides for all, for ranks wait for one another") {
  const std::array hosts{HostLoad{.cores = 16, .load_1m = 1, .ranks = 8},
                         HostLoad{.cores = 4, .load_1m = 12, .ranks = 2}};
  CHECK(widening(hosts) == 3);
  CHECK(widening(std::span<const HostLoad>()) == 1);
}

TEST_CASE("an alarm ends a process whose library call does not return, with its words and its code") {
  int pipe_ends[2];
  REQUIRE(pipe(pipe_ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(pipe_ends[1], STDERR_FILENO);
    const Alarm alarm(1, 3, "it did not return\n");
    while (true) pause();
  }
  close(pipe_ends[1]);
  std::array<char, 64> text{};
  const auto length = read(pipe_ends[0], text.data(), text.size());
  int status = 0;
  waitpid(child, &status, 0);
  close(pipe_ends[0]);
  CHECK(std::string(text.data(), static_cast<std::size_t>(length)) == "it did not return\n");
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 3);
}
