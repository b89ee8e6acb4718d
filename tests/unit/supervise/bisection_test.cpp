#include "supervise/bisection.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <functional>
#include <numeric>

using namespace symmbench;

namespace {

using Group = std::vector<int>;

bool has(const Group& group, int rank) { return std::ranges::find(group, rank) != group.end(); }

/// Tries every group that is asked for, until none is.
std::vector<GroupTest> search(int ranks, const std::function<bool(const Group&)>& fails, const Group& suspects = {}) {
  std::vector<GroupTest> tests;
  while (true) {
    const auto next = next_groups(ranks, suspects, tests);
    if (next.empty()) return tests;
    for (const Group& group : next) tests.push_back({.members = group, .passed = !fails(group)});
  }
}

}  // namespace

TEST_CASE("a bad link is named, whichever it is, and a bad rank is not taken for one") {
  for (const int ranks : {3, 4, 8, 16}) {
    for (int a = 0; a < ranks; ++a) {
      const auto of_rank = conclude_bisection(ranks, search(ranks, [&](const Group& group) { return has(group, a); }));
      CHECK(of_rank.culprit == Culprit::rank);
      CHECK(of_rank.ranks == Group{a});
      CHECK(of_rank.sure);
      for (int b = a + 1; b < ranks; ++b) {
        CAPTURE(ranks, a, b);
        const auto found =
            conclude_bisection(ranks, search(ranks, [&](const Group& g) { return has(g, a) && has(g, b); }));
        CHECK(found.culprit == Culprit::link);
        CHECK(found.ranks == Group{a, b});
        CHECK(found.sure);
        CHECK(found.failed_with == found.with);
        CHECK(found.failed_without == 0);
      }
    }
  }
}

TEST_CASE("two bad links without a rank in common are both told, and no single rank is accused") {
  const auto found = conclude_bisection(
      8, search(8, [](const Group& g) { return (has(g, 0) && has(g, 1)) || (has(g, 4) && has(g, 7)); }));
  CHECK(found.culprit == Culprit::several);
  CHECK(found.ranks == Group{0, 1, 4, 7});
}

TEST_CASE("what fails with everybody only, or not again, names nobody") {
  const auto together = conclude_bisection(4, search(4, [](const Group& group) { return group.size() == 4; }));
  CHECK(together.culprit == Culprit::only_together);
  CHECK(together.ranks.empty());
  const auto never = conclude_bisection(4, search(4, [](const Group&) { return false; }));
  CHECK(never.culprit == Culprit::not_reproduced);
  CHECK(never.ranks.empty());
}

TEST_CASE("one test that speaks against a link leaves it named, and not sure") {
  auto tests = search(8, [](const Group& g) { return has(g, 2) && has(g, 5); });
  std::ranges::find(tests, Group{0, 2, 3, 4, 5, 6, 7}, &GroupTest::members)->passed = true;
  const auto found = conclude_bisection(8, tests);
  CHECK(found.culprit == Culprit::link);
  CHECK(found.ranks == Group{2, 5});
  CHECK_FALSE(found.sure);
}

TEST_CASE("what was not tried is told, and nothing is sure without it") {
  auto tests = search(8, [](const Group& g) { return has(g, 2) && has(g, 5); });
  tests.back().passed = std::nullopt;
  const auto found = conclude_bisection(8, tests);
  CHECK(found.culprit == Culprit::link);
  CHECK_FALSE(found.sure);
  CHECK(found.not_run == 1);
  for (auto& test : tests) test.passed = std::nullopt;
  CHECK(conclude_bisection(8, tests).culprit == Culprit::undecided);
  CHECK(conclude_bisection(8, {}).culprit == Culprit::undecided);
}

TEST_CASE("suspects are tried first, a rank that is none is left out, and two ranks have no smaller group") {
  const auto groups = next_groups(4, Group{2, 9, -1, 2}, {});
  REQUIRE(groups.size() == 5);
  CHECK(groups[0] == Group{0, 1, 2, 3});
  CHECK(groups[1] == Group{0, 1, 3});
  CHECK(groups[2] == Group{1, 2, 3});
  CHECK(next_groups(2, {}, {}).empty());
}

TEST_CASE("the groups of one bad link stay few") {
  const auto tests = search(72, [](const Group& g) { return has(g, 11) && has(g, 60); });
  CHECK(tests.size() <= 72 + 4);
}

TEST_CASE("the words name world ranks and count the groups") {
  Group world(8);
  std::iota(world.begin(), world.end(), 8);
  const auto found = conclude_bisection(8, search(8, [](const Group& g) { return has(g, 2) && has(g, 5); }));
  CHECK(bisection_text(found, world) ==
        "the link between ranks 10 and 13: 8 of 8 groups with both failed, 0 of 4 without");
}
