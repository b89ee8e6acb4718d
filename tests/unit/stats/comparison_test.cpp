#include "stats/comparison.hpp"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <limits>
#include <random>

using namespace symmbench;
using Catch::Approx;

namespace {

using Blocks = std::vector<std::vector<double>>;

/// Two blocks of `count` samples each around `first` and `second`, within +-`noise` of them.
Blocks blocks(double first, double second, double noise = 0.002, int count = 10, unsigned seed = 1) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<double> around(1 - noise, 1 + noise);
  Blocks both(2);
  for (int i = 0; i < count; ++i) {
    both[0].push_back(first * around(engine));
    both[1].push_back(second * around(engine));
  }
  return both;
}

}  // namespace

TEST_CASE("equal contenders are the same") {
  const auto result = compare_paired(blocks(10, 10), blocks(10, 10, 0.002, 10, 2));
  REQUIRE(result);
  CHECK(result->verdict == PairVerdict::same);
  CHECK(result->ratio == Approx(1).margin(0.01));
}

TEST_CASE("the one that takes less time is faster, and the same data the other way round is slower") {
  const auto a = blocks(8, 8), b = blocks(10, 10, 0.002, 10, 2);
  const auto forward = compare_paired(a, b), backward = compare_paired(b, a);
  REQUIRE((forward && backward));
  CHECK(forward->verdict == PairVerdict::faster);
  CHECK(backward->verdict == PairVerdict::slower);
  CHECK(forward->ratio == Approx(0.8).epsilon(0.01));
  CHECK(forward->ratio * backward->ratio == Approx(1));
  CHECK(forward->interval->low * backward->interval->high == Approx(1));
}

TEST_CASE("a drift that is linear in time cancels in the ratio") {
  // A-B-B-A while everything gets slower by 2 % per block: the contenders are equal.
  const auto result = compare_paired(Blocks{{10.0, 10.0}, {10.6, 10.6}}, Blocks{{10.2, 10.2}, {10.4, 10.4}});
  REQUIRE(result);
  CHECK(result->ratio == Approx(1).margin(0.001));
  // Without pairing, A-A-B-B would have shown 4 %.
}

TEST_CASE("the interval covers the difference between block pairs, however many samples a block has") {
  const auto result = compare_paired(blocks(10, 11, 1e-6, 1000), blocks(10, 10, 1e-6, 1000, 2));
  REQUIRE(result);
  CHECK(result->interval->low <= Approx(1.0).epsilon(0.001));
  CHECK(result->interval->high >= Approx(1.1).epsilon(0.001));
  CHECK(result->verdict == PairVerdict::ambiguous);
}

TEST_CASE("blocks of one contender that differ more than the contenders do are unstable") {
  const auto result = compare_paired(blocks(10, 14), blocks(11, 11));
  REQUIRE(result);
  CHECK(result->block_spread == Approx(0.4).epsilon(0.01));
  CHECK(result->verdict == PairVerdict::unstable);
}

TEST_CASE("a difference far larger than the unrest of the blocks is still a difference") {
  const auto result = compare_paired(blocks(10, 11.5), blocks(40, 40));
  REQUIRE(result);
  CHECK(result->block_spread > kUnstableSpread);
  CHECK(result->verdict == PairVerdict::faster);
}

TEST_CASE("one sample each gives a ratio without an interval, which is ambiguous") {
  const auto result = compare_paired(Blocks{{10}}, Blocks{{20}});
  REQUIRE(result);
  CHECK(result->ratio == Approx(0.5));
  CHECK_FALSE(result->interval);
  CHECK(result->verdict == PairVerdict::ambiguous);
}

TEST_CASE("one sample per block gives an interval from the pairs, and a verdict once there are enough of them") {
  Blocks a{{10}, {10.1}, {9.9}, {10}, {10}}, b{{20}, {20.1}, {20}, {19.9}, {20}};
  const auto few = compare_paired(a, b);
  REQUIRE(few);
  REQUIRE(few->interval);
  CHECK(few->verdict == PairVerdict::ambiguous);
  a.push_back({10});
  b.push_back({20});
  CHECK(compare_paired(a, b)->verdict == PairVerdict::faster);
}

TEST_CASE("blocks without a partner are left out") {
  const auto whole = compare_paired(Blocks{{10, 10.1}}, Blocks{{10, 10.1}});
  const auto more = compare_paired(Blocks{{10, 10.1}, {90, 91}}, Blocks{{10, 10.1}});
  REQUIRE((whole && more));
  CHECK(more->ratio == whole->ratio);
}

TEST_CASE("nothing to pair, or times that are no times, give no comparison") {
  CHECK_FALSE(compare_paired(Blocks{}, Blocks{}));
  CHECK_FALSE(compare_paired(Blocks{{}}, Blocks{{}}));
  CHECK_FALSE(compare_paired(Blocks{{1, 2}}, Blocks{{0, 1}}));
  CHECK_FALSE(compare_paired(Blocks{{1, -2}}, Blocks{{1, 1}}));
  CHECK_FALSE(compare_paired(Blocks{{1, std::numeric_limits<double>::quiet_NaN()}}, Blocks{{1, 1}}));
  CHECK_FALSE(compare_paired(Blocks{{1, std::numeric_limits<double>::infinity()}}, Blocks{{1, 1}}));
}

TEST_CASE("the verdict follows its written rule at every limit") {
  struct Case {
    double ratio;
    std::optional<Interval> interval;
    double spread;
    PairVerdict expected;
  };
  for (const auto& [ratio, interval, spread, expected] :
       {Case{1.00, Interval{0.98, 1.02}, 0.00, PairVerdict::same},
        Case{1.00, Interval{0.97, 1.03}, 0.00, PairVerdict::same},
        Case{1.00, Interval{0.969, 1.02}, 0.00, PairVerdict::ambiguous},
        Case{0.90, Interval{0.88, 0.96}, 0.00, PairVerdict::faster},
        Case{0.95, Interval{0.93, 0.98}, 0.00, PairVerdict::ambiguous},
        Case{1.10, Interval{1.04, 1.16}, 0.00, PairVerdict::slower},
        Case{1.10, Interval{1.02, 1.18}, 0.00, PairVerdict::ambiguous},
        Case{1.00, Interval{0.80, 1.25}, 0.00, PairVerdict::ambiguous},
        Case{1.00, Interval{0.99, 1.01}, 0.11, PairVerdict::unstable},
        Case{1.00, Interval{0.99, 1.01}, 0.10, PairVerdict::same},
        Case{2.00, Interval{1.9, 2.1}, 0.50, PairVerdict::slower},
        Case{1.00, std::nullopt, 0.00, PairVerdict::ambiguous},
        Case{1.00, std::nullopt, 9.00, PairVerdict::ambiguous}}) {
    INFO("ratio " << ratio << " spread " << spread);
    CHECK(name_of(pair_verdict_of(ratio, interval, spread)) == name_of(expected));
  }
}

TEST_CASE("a 5 % difference under 1 % noise is found in six pairs, and equality is not mistaken for one") {
  const auto six_pairs = [](double center, unsigned seed) {
    Blocks all;
    for (unsigned k = 0; k < 3; ++k) {
      for (auto& block : blocks(center, center, 0.01, 10, seed + 100000 * k)) all.push_back(std::move(block));
    }
    return all;
  };
  int found = 0, false_alarms = 0;
  for (unsigned seed = 1; seed <= 100; ++seed) {
    const auto a = six_pairs(10, seed), b = six_pairs(10.5, seed + 1000), c = six_pairs(10, seed + 2000);
    found += compare_paired(b, a)->verdict == PairVerdict::slower ? 1 : 0;
    const auto verdict = compare_paired(a, c)->verdict;
    false_alarms += verdict == PairVerdict::slower || verdict == PairVerdict::faster ? 1 : 0;
  }
  CHECK(found >= 95);
  CHECK(false_alarms == 0);
}
