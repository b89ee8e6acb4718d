#include "supervise/bisection.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/counted.hpp"
#include "core/names.hpp"

namespace symmbench {
namespace {

constexpr auto kCulprits = name_table<Culprit>({{Culprit::rank, "rank"},
                                                {Culprit::link, "link"},
                                                {Culprit::several, "several"},
                                                {Culprit::only_together, "only_together"},
                                                {Culprit::not_reproduced, "not_reproduced"},
                                                {Culprit::undecided, "undecided"}});

using Group = std::vector<int>;

bool holds(const Group& group, const Group& part) {
  return std::includes(group.begin(), group.end(), part.begin(), part.end());
}

Group without(int ranks, int left_out) {
  Group group;
  for (int rank = 0; rank < ranks; ++rank) {
    if (rank != left_out) group.push_back(rank);
  }
  return group;
}

std::vector<Group> pairs_among(const Group& ranks) {
  std::vector<Group> pairs;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    for (std::size_t j = i + 1; j < ranks.size(); ++j) pairs.push_back({ranks[i], ranks[j]});
  }
  return pairs;
}

/// Every rank, the suspects first.
Group in_order(int ranks, std::span<const int> suspects) {
  Group order;
  for (const int rank : suspects) {
    if (rank >= 0 && rank < ranks && std::ranges::find(order, rank) == order.end()) order.push_back(rank);
  }
  for (int rank = 0; rank < ranks; ++rank) {
    if (std::ranges::find(order, rank) == order.end()) order.push_back(rank);
  }
  return order;
}

bool is_pair(const GroupTest& test) { return test.members.size() == 2; }

/// What a rank or link would have to explain: how the tests that ran speak for and against it.
Bisection weigh(const Group& suspect, std::span<const GroupTest> tests) {
  Bisection found{.culprit = suspect.size() == 1 ? Culprit::rank : Culprit::link, .ranks = suspect};
  for (const GroupTest& test : tests) {
    if (!test.passed) continue;
    const bool with = holds(test.members, suspect);
    ++(with ? found.with : found.without);
    if (!*test.passed) ++(with ? found.failed_with : found.failed_without);
  }
  return found;
}

int contradictions(const Bisection& found) { return found.with - found.failed_with + found.failed_without; }

/// The one with the fewest contradictions, and whether it is the only one with so few.
std::pair<Bisection, bool> best_single(int ranks, std::span<const GroupTest> tests) {
  std::vector<Group> all;
  for (int rank = 0; rank < ranks; ++rank) all.push_back({rank});
  const auto pairs = pairs_among(in_order(ranks, {}));
  all.insert(all.end(), pairs.begin(), pairs.end());
  std::vector<Bisection> weighed;
  for (const Group& suspect : all) weighed.push_back(weigh(suspect, tests));
  const auto least = std::ranges::min_element(weighed, {}, contradictions);
  const auto alike = std::ranges::count(weighed, contradictions(*least), contradictions);
  return {*least, alike == 1};
}

}  // namespace

std::string_view name_of(Culprit culprit) { return kCulprits.name(culprit); }

std::vector<std::vector<int>> next_groups(int ranks, std::span<const int> suspects, std::span<const GroupTest> tried) {
  const Group order = in_order(ranks, suspects);
  std::vector<Group> next;
  if (ranks < 3) return next;
  if (tried.empty()) {
    next.push_back(without(ranks, -1));
    for (const int rank : order) next.push_back(without(ranks, rank));
    return next;
  }
  const bool paired = std::ranges::any_of(tried, is_pair);
  const bool failed = std::ranges::any_of(tried, [](const GroupTest& test) { return test.passed == false; });
  if (paired || !failed) return next;
  Group cured;  // ranks without which it went well
  for (const int rank : order) {
    const auto test = std::ranges::find(tried, without(ranks, rank), &GroupTest::members);
    if (test == tried.end() || !test->passed) continue;
    if (*test->passed) cured.push_back(rank);
  }
  if (static_cast<int>(cured.size()) == ranks) return next;
  if (cured.size() == 1) {
    for (const int other : order) {
      if (other != cured[0]) next.push_back({std::min(cured[0], other), std::max(cured[0], other)});
    }
    return next;
  }
  next = pairs_among(cured.empty() ? order : cured);
  for (Group& pair : next) std::ranges::sort(pair);
  if (cured.size() == 2) {
    // The same two with a third one: whether it is the link or either end.
    const int third = *std::ranges::find_if(order, [&](int rank) { return rank != cured[0] && rank != cured[1]; });
    for (const int end : cured) next.push_back({std::min(end, third), std::max(end, third)});
  }
  return next;
}

Bisection conclude_bisection(int ranks, std::span<const GroupTest> tests) {
  const auto not_run =
      static_cast<int>(std::ranges::count_if(tests, [](const GroupTest& test) { return !test.passed; }));
  std::vector<const GroupTest*> failed;
  for (const GroupTest& test : tests) {
    if (test.passed == false) failed.push_back(&test);
  }
  Bisection found{.not_run = not_run};
  if (static_cast<int>(tests.size()) == not_run) return found;
  if (failed.empty()) {
    found.culprit = not_run == 0 ? Culprit::not_reproduced : Culprit::undecided;
    found.sure = not_run == 0;
    return found;
  }
  const bool whole_only = std::ranges::all_of(
      failed, [&](const GroupTest* test) { return static_cast<int>(test->members.size()) == ranks; });
  if (whole_only) {
    found.culprit = not_run == 0 ? Culprit::only_together : Culprit::undecided;
    found.sure = not_run == 0;
    return found;
  }
  auto [best, alone] = best_single(ranks, tests);
  best.not_run = not_run;
  best.sure = contradictions(best) == 0 && not_run == 0;
  if (contradictions(best) == 0) {
    if (alone) return best;
    return found;  // several explain all that ran
  }
  std::set<int> named;
  for (const GroupTest* test : failed) {
    if (is_pair(*test)) named.insert(test->members.begin(), test->members.end());
  }
  if (named.size() > 2) {
    found.culprit = Culprit::several;
    found.ranks.assign(named.begin(), named.end());
    found.sure = not_run == 0;
    return found;
  }
  return alone ? best : found;
}

std::string bisection_text(const Bisection& found, std::span<const int> world_ranks) {
  std::vector<int> ranks;
  for (const int rank : found.ranks) ranks.push_back(world_ranks[static_cast<std::size_t>(rank)]);
  const auto cut_short = found.not_run > 0 ? fmt::format("; not tried: {}", counted(found.not_run, "group")) : "";
  const auto counts = [&](std::string_view with) {
    return fmt::format("{} of {} groups with {} failed, {} of {} without{}{}", found.failed_with, found.with, with,
                       found.failed_without, found.without, cut_short, found.sure ? "" : "; not sure");
  };
  switch (found.culprit) {
    case Culprit::rank:
      return fmt::format("rank {}: {}", ranks[0], counts("it"));
    case Culprit::link:
      return fmt::format("the link between ranks {} and {}: {}", ranks[0], ranks[1], counts("both"));
    case Culprit::several:
      return fmt::format("more than one: pairs of ranks {} fail{}", fmt::join(ranks, ", "), cut_short);
    case Culprit::only_together:
      return "all ranks together only: each group with one rank fewer passed";
    case Culprit::not_reproduced:
      return "no group failed, all ranks together included: it comes and goes, or needs the case that failed";
    case Culprit::undecided:
      return "undecided: what ran fits more than one rank or link, or none" + cut_short;
  }
  return "";
}

}  // namespace symmbench
