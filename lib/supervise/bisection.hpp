#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace symmbench {

/// Which smaller groups name what is broken in a larger one, and what their outcomes say. Pure; ranks are group ranks.

/// A group that was tried, or was to be.
struct GroupTest {
  std::vector<int> members;                       ///< ascending
  std::optional<bool> passed = std::nullopt;      ///< nullopt: not run, the time was up
  std::optional<Failure> failure = std::nullopt;  ///< where it did not pass
};

/// What is to be tried next of `ranks` ranks; empty: nothing that would tell more. First all together and with each rank
/// left out in turn, `suspects` first; then the pairs that these point to, or all where none of them passed.
std::vector<std::vector<int>> next_groups(int ranks, std::span<const int> suspects, std::span<const GroupTest> tried);

enum class Culprit {
  rank,            ///< every group with it failed, none without it
  link,            ///< every group with both ranks failed, none with one of them or neither
  several,         ///< no single one explains it; the pairs that failed are told
  only_together,   ///< all ranks failed again, and each group with one rank fewer passed
  not_reproduced,  ///< no group failed
  undecided,       ///< what ran fits more than one, or none
};
std::string_view name_of(Culprit culprit);

/// What the tests say. Named is what no test contradicts; where every one is contradicted, and a single rank or link
/// least, that is named too, and not sure.
struct Bisection {
  Culprit culprit = Culprit::undecided;
  std::vector<int> ranks = {};  ///< of `rank` one, of `link` two, of `several` all that a failing pair names; else none
  bool sure = false;            ///< no test speaks against it, and all that were asked for ran
  /// Of the tests that ran: with all of `ranks` and without; for `rank` and `link` only.
  int with = 0, failed_with = 0, without = 0, failed_without = 0;
  int not_run = 0;
};
Bisection conclude_bisection(int ranks, std::span<const GroupTest> tests);

/// "the link between ranks 2 and 5: 4 of 4 groups with both failed, 0 of 5 without". `world_ranks` by group rank.
std::string bisection_text(const Bisection& found, std::span<const int> world_ranks);

}  // namespace symmbench
