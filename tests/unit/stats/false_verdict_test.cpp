// How often the verdicts are wrong, on synthetic runs of one tool against itself: two allocators between which there is
// no difference, or a known one, in placements whose luck is random. Seeded, so that the figures are always the same.
#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <random>

#include "stats/comparison.hpp"

using namespace symmbench;

namespace {

constexpr std::size_t kSizes = 10, kFirst = 8, kMost = 24;

/// By how much the placements of each size differ, as a standard deviation of the logarithm of one allocator's time.
using Luck = std::array<double, kSizes>;

/// What else machines do that no allocator does.
struct Machine {
  double drift = 0;         ///< by how much, as a logarithm, a run's placements become slower from first to last
  double step = 0;          ///< by how much everything is slower from a random block of each size on: a clock changes
  bool outliers = false;    ///< luck has the tails of Student's t with 3 degrees of freedom, not a normal one's
  double of_workspace = 0;  ///< luck that an allocator's placement has at all sizes alike, as a standard deviation
};

class SyntheticRun {
 public:
  SyntheticRun(unsigned seed, const Luck& luck, const Machine& machine = {})
      : engine_(seed), luck_(luck), machine_(machine) {
    for (auto& pair : of_workspace_) pair = {machine_.of_workspace * lucky(), machine_.of_workspace * lucky()};
  }

  /// A-B-B-A in one placement, each allocator with luck of its own, A `slower` times as slow.
  PlacementBlocks placement(std::size_t size, double slower) {
    PlacementBlocks blocks;
    const auto& [shared_a, shared_b] = of_workspace_[placements_[size] % kMost];
    const double a = slower * std::exp(luck_[size] * lucky() + shared_a);
    const double b = std::exp(luck_[size] * lucky() + shared_b);
    blocks.a = {batches(a * now(size, 0)), batches(a * now(size, 3))};
    blocks.b = {batches(b * now(size, 1)), batches(b * now(size, 2))};
    ++placements_[size];
    return blocks;
  }

  /// As a worker measures it: further placements while it is not decided.
  PairedCase measure(std::size_t size, double slower, std::size_t most) {
    std::vector<PlacementBlocks> placements;
    placements_[size] = 0;
    step_at_ = std::uniform_int_distribution<std::size_t>(0, 4 * kFirst)(engine_);
    while (placements.size() < kFirst) placements.push_back(placement(size, slower));
    while (placements.size() < most && compare_early(*pair_up(placements), kSizes).verdict == PairVerdict::ambiguous) {
      placements.push_back(placement(size, slower));
    }
    return *pair_up(placements);
  }

  /// The verdicts on A over one pattern: a series of all sizes.
  std::vector<PairedComparison> pattern(double slower, std::size_t most) {
    std::vector<FamilyMember> family;
    for (std::size_t size = 0; size < kSizes; ++size) family.push_back({.measured = measure(size, slower, most)});
    return compare(family);
  }

 private:
  double lucky() { return machine_.outliers ? tailed_(engine_) / std::sqrt(3.0) : normal_(engine_); }

  /// How slow the machine is in block `position` of the placement under way.
  double now(std::size_t size, std::size_t position) const {
    const std::size_t block = 4 * placements_[size] + position;
    const double done = static_cast<double>(block) / (4 * kFirst);
    return std::exp(machine_.drift * done + (block >= step_at_ ? machine_.step : 0));
  }

  std::vector<double> batches(double time) {
    std::vector<double> times(3);
    for (double& one : times) one = time * std::exp(0.005 * normal_(engine_));
    return times;
  }

  std::mt19937 engine_;
  std::normal_distribution<double> normal_;
  std::student_t_distribution<double> tailed_{3};
  Luck luck_;
  Machine machine_;
  std::array<std::pair<double, double>, kMost> of_workspace_{};
  std::array<std::size_t, kSizes> placements_{};
  std::size_t step_at_ = 0;
};

bool is_difference(const PairedComparison& result) {
  return result.verdict == PairVerdict::faster || result.verdict == PairVerdict::slower;
}

Luck everywhere(double deviation) {
  Luck luck;
  luck.fill(deviation);
  return luck;
}

/// As seen on GPUs: percents where a few packets decide, next to nothing where bytes do.
constexpr Luck kSmallMessages{0.05, 0.05, 0.04, 0.02, 0.01, 0.005, 0.005, 0.003, 0.003, 0.003};

/// Of 1,000 runs of so many patterns, those that blame or praise an allocator that is like the other.
int runs_with_a_false_verdict(const Luck& luck, std::size_t most, const Machine& machine = {}, int patterns = 2) {
  int runs = 0;
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    SyntheticRun run(seed, luck, machine);
    bool wrong = false;
    for (int pattern = 0; pattern < patterns; ++pattern) {
      const auto results = run.pattern(1, most);
      wrong = wrong || std::any_of(results.begin(), results.end(), is_difference);
    }
    runs += wrong ? 1 : 0;
  }
  return runs;
}

}  // namespace

TEST_CASE("at most one run in a hundred blames an allocator that is like the other, wherever placements fall") {
  CHECK(runs_with_a_false_verdict(everywhere(0.05), kFirst) <= 10);
  CHECK(runs_with_a_false_verdict(kSmallMessages, kFirst) <= 10);
}

TEST_CASE("looking again after every further placement does not add false verdicts") {
  CHECK(runs_with_a_false_verdict(kSmallMessages, kMost) <= 10);
}

TEST_CASE("machines that become slower, at once or by and by, add no false verdicts") {
  CHECK(runs_with_a_false_verdict(kSmallMessages, kFirst, {.drift = 0.3}) <= 10);
  CHECK(runs_with_a_false_verdict(kSmallMessages, kFirst, {.step = 0.3}) <= 10);
}

TEST_CASE("placements that are now and then far slower than the others add no false verdicts") {
  CHECK(runs_with_a_false_verdict(kSmallMessages, kFirst, {.outliers = true}) <= 10);
  CHECK(runs_with_a_false_verdict(everywhere(0.05), kMost, {.outliers = true}) <= 10);
}

TEST_CASE("a workspace whose place is bad for all sizes is no difference of allocators") {
  CHECK(runs_with_a_false_verdict(everywhere(0.005), kFirst, {.of_workspace = 0.03}) <= 10);
  CHECK(runs_with_a_false_verdict(kSmallMessages, kMost, {.of_workspace = 0.03}) <= 10);
}

TEST_CASE("many patterns of many sizes are one run, too") {
  CHECK(runs_with_a_false_verdict(kSmallMessages, kFirst, {}, 5) <= 10);
}

TEST_CASE("a difference of 10 % is found in 19 of 20 runs of 8 placements that differ by 2 %") {
  int found = 0;
  for (unsigned seed = 1; seed <= 100; ++seed) {
    found += SyntheticRun(seed, everywhere(0.02)).pattern(1.10, kFirst).front().verdict == PairVerdict::slower ? 1 : 0;
  }
  CHECK(found >= 95);
}

TEST_CASE(
    "further placements find a difference of 10 % among placements that differ by 4 %, and 5 % where they agree") {
  int small = 0, large = 0;
  for (unsigned seed = 1; seed <= 100; ++seed) {
    Luck luck = kSmallMessages;
    luck[0] = 0.04;
    small += SyntheticRun(seed, luck).pattern(1.10, kMost)[0].verdict == PairVerdict::slower ? 1 : 0;
    large += SyntheticRun(seed, luck).pattern(1.05, kMost)[7].verdict == PairVerdict::slower ? 1 : 0;
  }
  CHECK(small >= 95);
  CHECK(large >= 95);
}

TEST_CASE("allocators that are alike are called the same where placements agree") {
  int same = 0;
  for (unsigned seed = 1; seed <= 100; ++seed) {
    const auto results = SyntheticRun(seed, kSmallMessages).pattern(1, kFirst);
    same += static_cast<int>(std::count_if(results.begin() + 5, results.end(), [](const PairedComparison& result) {
      return result.verdict == PairVerdict::same;
    }));
  }
  CHECK(same >= 5 * 95);
}
