#include "stats/comparison.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "support/contains.hpp"

using namespace symmbench;
using Catch::Approx;

namespace {

/// A-B-B-A of `samples` a block in each of `ratios`' placements: B takes 10, A `ratio` times that.
std::vector<PlacementBlocks> measured(const std::vector<double>& ratios, std::size_t samples = 5) {
  std::vector<PlacementBlocks> placements;
  for (const double ratio : ratios) {
    const std::vector<double> a(samples, 10 * ratio), b(samples, 10);
    placements.push_back({.a = {a, a}, .b = {b, b}});
  }
  return placements;
}

PairedComparison alone(const std::vector<PlacementBlocks>& placements) {
  const auto paired = pair_up(placements);
  REQUIRE(paired);
  return compare(std::array{FamilyMember{.measured = *paired}}).front();
}

PairedComparison alone(const std::vector<double>& ratios) { return alone(measured(ratios)); }

}  // namespace

TEST_CASE("allocators that take the same time in every placement are the same") {
  const auto result = alone({1, 1.002, 0.999, 1.001, 0.998, 1});
  CHECK(result.verdict == PairVerdict::same);
  CHECK(result.ratio == Approx(1).margin(0.001));
  CHECK(result.placements == 6);
  CHECK(result.samples == 60);
  CHECK(contains(result.reason, "lies within 0.97 to 1.03"));
}

TEST_CASE(
    "the one that takes less time in every placement is faster, and the same data the other way round is slower") {
  const std::vector<double> ratios{0.80, 0.81, 0.79, 0.80, 0.80, 0.81};
  std::vector<double> inverse;
  for (const double ratio : ratios) inverse.push_back(1 / ratio);
  const auto forward = alone(ratios), backward = alone(inverse);
  CHECK(forward.verdict == PairVerdict::faster);
  CHECK(backward.verdict == PairVerdict::slower);
  CHECK(forward.ratio * backward.ratio == Approx(1));
  CHECK(forward.interval->low * backward.interval->high == Approx(1));
  CHECK(contains(forward.reason, "lies below 0.97"));
  CHECK(contains(backward.reason, "lies above 1.03"));
}

TEST_CASE("one placement that is slower is no verdict on the allocator, however many samples it has") {
  auto placements = measured({1, 1, 1, 1, 1});
  placements.push_back(measured({1.3}, 1000).front());
  const auto result = alone(placements);
  CHECK(result.verdict == PairVerdict::ambiguous);
  CHECK(contains(result.reason, "crosses 0.97 and 1.03"));
  CHECK(contains(result.reason, "by placement 1.000 to 1.300"));
}

TEST_CASE("a single placement decides nothing, whatever was measured there") {
  for (const double ratio : {0.5, 1.0, 2.0}) {
    const auto result = alone(measured({ratio}, 1000));
    CHECK(result.verdict == PairVerdict::ambiguous);
    CHECK_FALSE(result.interval);
    CHECK(result.reason == "1 placement, 6 are needed");
  }
}

TEST_CASE("what is missing to decide is said in numbers") {
  CHECK(alone({2, 2, 2, 2}).reason == "4 placements, 6 are needed");
  CHECK(alone({2, 2, 2, 2, 2, 2}).verdict == PairVerdict::slower);
}

TEST_CASE("a drift that is linear in time cancels in the ratio") {
  // A-B-B-A while everything gets slower by 2 % per block: the allocators are equal. Unpaired, it would be 4 %.
  const std::vector<PlacementBlocks> drifting(6, {.a = {{10.0}, {10.6}}, .b = {{10.2}, {10.4}}});
  CHECK(alone(drifting).ratio == Approx(1).margin(0.001));
}

TEST_CASE("batches of one placement that disagree by more than the allocators do are unstable") {
  const std::vector<double> slow(5, 14), fast(5, 10), even(5, 11);
  const std::vector<PlacementBlocks> restless(6, {.a = {fast, slow}, .b = {even, even}});
  const auto result = alone(restless);
  CHECK(result.block_spread == Approx(0.4));
  CHECK(result.verdict == PairVerdict::unstable);
  CHECK(result.reason == "batches of one placement differ by 40 %");
}

TEST_CASE("placements that differ while each agrees with itself are not unstable") {
  const auto result = alone({1, 1.2, 0.85, 1.1, 0.9, 1.15});
  CHECK(result.block_spread == Approx(0).margin(1e-9));
  CHECK(result.verdict == PairVerdict::ambiguous);
}

TEST_CASE("blocks of a few samples make nobody unstable") {
  const std::vector<PlacementBlocks> restless(6, {.a = {{10}, {14}}, .b = {{11}, {11}}});
  CHECK(alone(restless).verdict != PairVerdict::unstable);
}

TEST_CASE("a difference far larger than the unrest of the blocks is still a difference") {
  const std::vector<double> slow(5, 11.5), fast(5, 10), other(5, 40);
  const std::vector<PlacementBlocks> restless(6, {.a = {fast, slow}, .b = {other, other}});
  const auto result = alone(restless);
  CHECK(result.block_spread > kUnstableSpread);
  CHECK(result.verdict == PairVerdict::faster);
}

TEST_CASE("blocks and placements without a partner are left out") {
  auto placements = measured({1.2, 1.2});
  placements[1].a.push_back({90, 91});
  placements.push_back({.a = {{50}}, .b = {}});
  const auto paired = pair_up(placements);
  REQUIRE(paired);
  CHECK(paired->log_ratios.size() == 2);
  CHECK(paired->samples == 20);
  CHECK(std::exp(paired->log_ratios[1]) == Approx(1.2));
}

TEST_CASE("nothing to pair, or times that are no times, give no comparison") {
  using Placements = std::vector<PlacementBlocks>;
  CHECK_FALSE(pair_up(Placements{}));
  CHECK_FALSE(pair_up(Placements{{.a = {{}}, .b = {{}}}}));
  for (const double bad :
       {0.0, -2.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    CHECK_FALSE(pair_up(Placements{{.a = {{1, 2}}, .b = {{bad, 1}}}}));
  }
}

TEST_CASE("a difference that is clear by itself may not be among many that were compared") {
  // Ten placements around +5 %, just wide enough for t at 95 %.
  const std::vector<double> ratios{1.02, 1.08, 1.03, 1.07, 1.04, 1.06, 1.03, 1.08, 1.04, 1.06};
  CHECK(alone(ratios).verdict == PairVerdict::slower);

  std::vector<FamilyMember> family{{.measured = *pair_up(measured(ratios)), .series = 0}};
  for (std::size_t i = 1; i < 40; ++i) {
    family.push_back({.measured = *pair_up(measured({1, 1.01, 0.99, 1, 1.01, 0.99})), .series = i});
  }
  const auto results = compare(family);
  CHECK(results[0].verdict == PairVerdict::ambiguous);
  CHECK(results[0].interval->low > 1 + kSameWithin);
  CHECK(contains(results[0].reason, "but not clearly enough for one of 40 comparisons"));
  for (std::size_t i = 1; i < results.size(); ++i) CHECK(results[i].verdict == PairVerdict::same);
  CHECK(compare_early(family[0].measured, 40).verdict == PairVerdict::ambiguous);
  CHECK(compare_early(family[0].measured, 1).verdict == PairVerdict::slower);
}

TEST_CASE("a difference that one run in twenty of equal allocators shows is no verdict") {
  const auto result = alone({3.0, 1.22, 3.0, 1.22, 3.0, 1.22});
  CHECK(result.interval->low > 1 + kSameWithin);
  CHECK(result.verdict == PairVerdict::ambiguous);
  CHECK(contains(result.reason, "lies above 1.03, but not clearly enough (1 % of runs may be wrong by chance)"));
}

TEST_CASE("at most one run in a hundred of equal allocators has a verdict, however far apart placements are") {
  for (const double luck : {0.02, 0.1, 0.5}) {
    for (const std::size_t cases : {std::size_t{1}, std::size_t{10}}) {
      CAPTURE(luck, cases);
      std::mt19937 engine(7);
      std::lognormal_distribution<double> ratio(0, luck);
      int decided = 0;
      for (int run = 0; run < 2000; ++run) {
        std::vector<FamilyMember> family;
        for (std::size_t i = 0; i < cases; ++i) {
          std::vector<double> ratios(8);
          for (double& each : ratios) each = ratio(engine);
          family.push_back({.measured = *pair_up(measured(ratios)), .series = i});
        }
        const auto results = compare(family);
        decided += std::ranges::any_of(results, [](const PairedComparison& one) {
          return one.verdict == PairVerdict::faster || one.verdict == PairVerdict::slower;
        });
      }
      CHECK(decided <= 33);  // 20, and what chance makes of that in 997 of 1000 tests
    }
  }
}

TEST_CASE("placements that agree by chance take the spread of their series") {
  const std::vector<double> calm(6, 1.05), restless{1, 1.1, 0.9, 1.06, 0.94, 1};
  std::vector<FamilyMember> family{{.measured = *pair_up(measured(calm))}};
  CHECK(compare(family).front().verdict == PairVerdict::slower);
  for (int i = 0; i < 3; ++i) family.push_back({.measured = *pair_up(measured(restless))});
  CHECK(compare(family).front().verdict == PairVerdict::ambiguous);
  family.front().series = 1;  // of another algorithm
  CHECK(compare(family).front().verdict == PairVerdict::slower);
}

TEST_CASE("one restless size does not drown the others of its series") {
  std::vector<FamilyMember> family{{.measured = *pair_up(measured({1, 1.3, 0.7, 1.2, 0.8, 1}))}};
  for (int i = 0; i < 4; ++i) family.push_back({.measured = *pair_up(measured({1.1, 1.11, 1.09, 1.1, 1.1, 1.1}))});
  const auto results = compare(family);
  CHECK(results[0].verdict == PairVerdict::ambiguous);
  for (std::size_t i = 1; i < results.size(); ++i) CHECK(results[i].verdict == PairVerdict::slower);
}
