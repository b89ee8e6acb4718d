#include "job/arrivals.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "core/deadlines.hpp"

using namespace symmbench;
using Catch::Matchers::ContainsSubstring;

namespace {

LaunchedRank arrived(pid_t pid) { return {.pid = pid, .arrived = true, .command = {"symmbench", "run"}}; }
LaunchedRank other_program(pid_t pid) { return {.pid = pid, .command = {"sleep", "1000"}}; }

/// Three ranks, all of them of this host, looked at by rank 0.
Arrivals of_one_host(int rank = 0, double widened_by = 1) {
  return {{.job = {"PMIX_NAMESPACE=1"}, .rank = rank, .ranks = 3, .ranks_here = 3}, "node1", widened_by};
}

constexpr double kSoon_s = deadline::kMpiInitLook_s - 1, kLook_s = deadline::kMpiInitLook_s + 1;
constexpr double kLate_s = deadline::kMpiInit_s + 1;

}  // namespace

TEST_CASE("a rank that runs another program is named early, once, by one rank, and again at the end") {
  const LaunchView view{.ranks = {{0, arrived(10)}, {1, arrived(11)}, {2, other_program(12)}}, .whole = true};
  Arrivals first = of_one_host(0), second = of_one_host(1);
  CHECK(first.look(view, kSoon_s).say.empty());
  const auto early = first.look(view, kLook_s);
  CHECK_THAT(early.say, ContainsSubstring("rank 2 (pid 12 on node1, `sleep 1000`), which has not called it"));
  CHECK_FALSE(early.give_up);
  CHECK(first.look(view, kLook_s + 2).say.empty());
  CHECK(second.look(view, kLook_s).say.empty());
  const auto late = first.look(view, kLate_s);
  CHECK_THAT(late.say,
             ContainsSubstring("did not return") && ContainsSubstring("rank 2 (pid 12 on node1, `sleep 1000`)"));
  CHECK(late.give_up);
  CHECK(second.look(view, kLate_s).speaks_after_s > late.speaks_after_s);
}

TEST_CASE("a rank that is gone ends the wait as soon as that is certain") {
  const LaunchView before{.ranks = {{0, arrived(10)}, {1, arrived(11)}, {2, other_program(12)}}};
  const LaunchView after{.ranks = {{0, arrived(10)}, {1, arrived(11)}}};
  Arrivals seen = of_one_host();
  (void)seen.look(before, 1);
  CHECK_FALSE(seen.look(after, 2).give_up);  // looked at while it did something else
  const auto gone = seen.look(after, 4);
  CHECK(gone.give_up);
  CHECK_THAT(gone.say, ContainsSubstring("rank 2 on node1 ended before calling MPI_Init"));
}

TEST_CASE("a rank that was never seen has ended only where nothing of the launch is out of sight") {
  LaunchView view{.ranks = {{0, arrived(10)}, {1, arrived(11)}}, .whole = false};
  Arrivals partial = of_one_host(), whole = of_one_host();
  CHECK_FALSE(partial.look(view, kLook_s).give_up);
  CHECK_FALSE(partial.look(view, kLook_s + 2).give_up);
  view.whole = true;
  CHECK_FALSE(whole.look(view, kSoon_s).give_up);  // its launcher may not have got round to it
  CHECK_FALSE(whole.look(view, kLook_s).give_up);
  const auto gone = whole.look(view, kLook_s + 2);
  CHECK(gone.give_up);
  CHECK_THAT(gone.say, ContainsSubstring("rank 2 on node1 ended"));
}

TEST_CASE("of several hosts each answers for its own ranks") {
  const LaunchPlace place{.job = {"PMIX_NAMESPACE=1"}, .rank = 4, .ranks = 8, .ranks_here = 2};
  Arrivals here(place, "node3", 1);
  const auto elsewhere = here.look({.ranks = {{4, arrived(10)}, {5, arrived(11)}}, .whole = true}, kLate_s);
  CHECK(elsewhere.give_up);
  CHECK_THAT(elsewhere.say, ContainsSubstring("cannot be seen from node3, where 2 of 8 came: ranks 4, 5"));
  CHECK(elsewhere.speaks_after_s > 0);  // another host may know who it is
  Arrivals lacking(place, "node3", 1);
  (void)lacking.look({.ranks = {{4, arrived(10)}}, .whole = true}, kLook_s);
  const auto ended = lacking.look({.ranks = {{4, arrived(10)}}, .whole = true}, kLook_s + 2);
  CHECK(ended.give_up);
  CHECK_THAT(ended.say, ContainsSubstring("1 of the 2 ranks of node3 ended"));
}

TEST_CASE("a rank that came and is stopped is named; where all came, nobody is") {
  LaunchedRank stopped = arrived(11);
  stopped.stopped = true;
  Arrivals watch = of_one_host(), healthy = of_one_host();
  const auto early = watch.look({.ranks = {{0, arrived(10)}, {1, stopped}, {2, arrived(12)}}}, kLook_s);
  CHECK_THAT(early.say, ContainsSubstring("rank 1 (pid 11 on node1, `symmbench run`), which is stopped"));
  const LaunchView all{.ranks = {{0, arrived(10)}, {1, arrived(11)}, {2, arrived(12)}}, .whole = true};
  CHECK(healthy.look(all, kLook_s).say.empty());
  CHECK_THAT(healthy.look(all, kLate_s).say, ContainsSubstring("none of the 3 ranks, which all came"));
}

TEST_CASE("busy machines are given longer, and secrets of other programs are not shown") {
  LaunchedRank secret = other_program(12);
  secret.command = {"client", "--password=hunter2"};
  const LaunchView view{.ranks = {{0, arrived(10)}, {1, arrived(11)}, {2, secret}}, .whole = true};
  Arrivals busy = of_one_host(0, 4);
  CHECK_FALSE(busy.look(view, kLate_s).give_up);
  const auto late = busy.look(view, 4 * deadline::kMpiInit_s + 1);
  CHECK(late.give_up);
  CHECK_THAT(late.say, ContainsSubstring("`client --password=***`"));
}

TEST_CASE("the ranks of a host look at its processes some ten times a second together, however many they are") {
  for (const int ranks : {1, 4, 72, 576}) {
    double looks_per_s = 0;
    for (int rank = 0; rank < ranks; ++rank) {
      const Arrivals arrivals({.job = {}, .rank = ranks + rank, .ranks = 4 * ranks, .ranks_here = ranks}, "node1", 1);
      looks_per_s += 1 / arrivals.between_looks_s();
      if (rank < 4) CHECK(arrivals.between_looks_s() == 2);
    }
    CAPTURE(ranks);
    CHECK(looks_per_s < 13);
  }
}
