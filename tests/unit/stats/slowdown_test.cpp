#include "stats/slowdown.hpp"

#include <algorithm>
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <random>

#include "stats/multiplicity.hpp"

using namespace symmbench;

namespace {

/// So many placements around `time_us`, `spread` apart.
PlacedTimes around(double time_us, double spread, std::size_t placements = 8) {
  PlacedTimes times{.placement_us = {}, .samples = 4 * placements};
  for (std::size_t i = 0; i < placements; ++i)
    times.placement_us.push_back(time_us * (i % 2 ? 1 + spread : 1 - spread));
  return times;
}

SlowdownResult judged(const PlacedTimes& before, const PlacedTimes& after, double limit, double run_spread = 0) {
  const std::vector family{*slowdown_between(before, after, 0)};
  return judge_slowdowns(family, std::vector{limit}, run_spread).front();
}

constexpr std::size_t kSizesOfSeries = 10;

/// Synthetic runs of one tool: each size in eight placements whose luck is random, anew in every run.
class SyntheticRuns {
 public:
  explicit SyntheticRuns(unsigned seed) : engine_(seed) {}

  /// @param luck standard deviation of a placement's time  @param moment the same of a whole case, while it was measured
  PlacedTimes one_case(double slower, double luck, double moment) {
    PlacedTimes times{.placement_us = {}, .samples = 32};
    const double shift = moment * normal_(engine_);
    for (int i = 0; i < 8; ++i) times.placement_us.push_back(10 * slower * std::exp(shift + luck * normal_(engine_)));
    return times;
  }

  /// Two allocators' series of sizes, measured twice; the second time the first series is `slower`.
  std::vector<SlowdownResult> pair_of_runs(double slower, double limit, double luck, double moment) {
    std::vector<Slowdown> family;
    for (std::size_t series = 0; series < 2; ++series) {
      for (std::size_t size = 0; size < kSizesOfSeries; ++size) {
        const auto before = one_case(1, luck, moment), after = one_case(series == 0 ? slower : 1, luck, moment);
        family.push_back(*slowdown_between(before, after, series));
      }
    }
    return judge_slowdowns(family, std::vector(family.size(), limit), 0);
  }

 private:
  std::mt19937 engine_;
  std::normal_distribution<double> normal_;
};

bool any_regressed(const std::vector<SlowdownResult>& results) {
  return std::any_of(results.begin(), results.end(),
                     [](const SlowdownResult& result) { return result.gate == GateVerdict::regressed; });
}

/// Of 400 runs, those that fail a gate of `limit`.
int failed_of_400(double slower, double limit, double luck, double moment) {
  int failed = 0;
  for (unsigned seed = 1; seed <= 400; ++seed) {
    failed += any_regressed(SyntheticRuns(seed).pair_of_runs(slower, limit, luck, moment)) ? 1 : 0;
  }
  return failed;
}

}  // namespace

TEST_CASE("a slowdown is a regression when its lower bound is above the limit, not its point") {
  CHECK(judged(around(100, 0.01), around(112, 0.01), 1.05).gate == GateVerdict::regressed);
  const auto noisy = judged(around(100, 0.2), around(112, 0.2), 1.05);
  CHECK(noisy.gate == GateVerdict::undecided);
  CHECK(noisy.ratio == Catch::Approx(1.12).epsilon(0.01));
  CHECK(*noisy.at_least < 1.05);
  CHECK(*noisy.at_most > 1.05);
}

TEST_CASE("a case that keeps the limit for certain is told from one that is not decided") {
  CHECK(judged(around(100, 0.01), around(101, 0.01), 1.05).gate == GateVerdict::within);
  CHECK(judged(around(100, 0.01), around(80, 0.01), 1.05).gate == GateVerdict::within);
  CHECK(judged(around(100, 0.05), around(103, 0.05), 1.05).gate == GateVerdict::undecided);
}

TEST_CASE("too few placements or samples are not judged, whatever they say") {
  const auto few = judged(around(100, 0.001, 5), around(200, 0.001, 8), 1.05);
  CHECK(few.gate == GateVerdict::not_judged);
  CHECK(few.reason == "5 placements, 6 are needed");
  CHECK_FALSE(few.at_least);
  auto sparse = around(200, 0.001);
  sparse.samples = 5;
  CHECK(judged(around(100, 0.001), sparse, 1.05).reason == "5 samples, 6 are needed");
}

TEST_CASE("the verdict without a limit is that of every comparison: same, faster, slower or ambiguous") {
  CHECK(judged(around(100, 0.005), around(100, 0.005), 1).verdict == PairVerdict::same);
  CHECK(judged(around(100, 0.005), around(110, 0.005), 1).verdict == PairVerdict::slower);
  CHECK(judged(around(100, 0.005), around(90, 0.005), 1).verdict == PairVerdict::faster);
  const auto unclear = judged(around(100, 0.1), around(105, 0.1), 1);
  CHECK(unclear.verdict == PairVerdict::ambiguous);
  CHECK(unclear.reason.find("crosses") != std::string::npos);
}

TEST_CASE("times that are not positive numbers make no slowdown") {
  CHECK_FALSE(slowdown_between(around(0, 0), around(1, 0), 0));
  CHECK_FALSE(slowdown_between(around(1, 0), {}, 0));
  CHECK_FALSE(slowdown_over(0, around(1, 0), 0));
  CHECK_FALSE(slowdown_over(INFINITY, around(1, 0), 0));
  CHECK(slowdown_over(50, around(100, 0.01), 0)->log_ratio == Catch::Approx(std::log(2)).margin(1e-3));
}

TEST_CASE("what two runs differ by anyway is not blamed on a case") {
  CHECK(judged(around(100, 0.01), around(200, 0.01), 1.05, 0).gate == GateVerdict::regressed);
  CHECK(judged(around(100, 0.01), around(200, 0.01), 1.05, 0.5).gate == GateVerdict::undecided);
  CHECK(judged(around(100, 0.01), around(2000, 0.01), 1.05, 0.5).gate == GateVerdict::regressed);
  // Against a reference only one of the two sides varies.
  std::vector family{*slowdown_over(100, around(250, 0.01), 0)};
  CHECK(judge_slowdowns(family, std::vector{1.05}, 0.3).front().gate == GateVerdict::regressed);
  family.front().runs = 2;
  CHECK(judge_slowdowns(family, std::vector{1.05}, 0.3).front().gate == GateVerdict::undecided);
}

TEST_CASE("sizes that jump about more than placements explain widen every interval; a step at one size does not") {
  std::vector<Slowdown> calm, jumpy, step;
  for (int size = 0; size < 9; ++size) {
    const Slowdown measured{.variance = 1e-4, .degrees = 14, .samples = 32, .placements = 8};
    calm.push_back(measured), jumpy.push_back(measured), step.push_back(measured);
    jumpy.back().log_ratio = size % 2 ? 0.1 : -0.1;
    step.back().log_ratio = size < 4 ? 0 : 0.1;
  }
  CHECK(excess_scatter(calm) == 1);
  CHECK(excess_scatter(step) == 1);
  CHECK(excess_scatter(jumpy) == Catch::Approx(0.2 / std::sqrt(2e-4) / 0.6745));
  jumpy.resize(kNeighboursToTell);  // one pair too few
  CHECK(excess_scatter(jumpy) == 1);
}

TEST_CASE(
    "Holm: the smallest chance is held against the level over all, whoever comes after the first that fails against "
    "the same") {
  const std::vector chances{0.02, 0.001, 0.5, 0.003};
  const auto limits = holm_limits(chances, 0.01);
  CHECK(limits[1] == Catch::Approx(0.01 / 4));
  CHECK(limits[3] == Catch::Approx(0.01 / 3));
  CHECK(limits[0] == Catch::Approx(0.01 / 2));
  CHECK(limits[2] == Catch::Approx(0.01 / 2));
}

TEST_CASE("the quantile of Student's t is where its tails are") {
  for (const double degrees : {1.0, 5.0, 14.0, 1e9}) {
    for (const double tails : {0.05, 0.002, 1e-5}) {
      CHECK(student_t_both_tails(student_t_quantile(tails, degrees), degrees) == Catch::Approx(tails).epsilon(1e-6));
    }
  }
  CHECK(student_t_quantile(0.05, 14) == Catch::Approx(2.145).epsilon(1e-3));
  CHECK(student_t_quantile(0.05, INFINITY) == Catch::Approx(1.96).epsilon(1e-3));
}

TEST_CASE("at most one run in a hundred that changed nothing fails a gate, be placements or moments what differs") {
  CHECK(failed_of_400(1, 1.05, 0.05, 0) <= 4);
  CHECK(failed_of_400(1, 1.02, 0.02, 0) <= 4);
  CHECK(failed_of_400(1, 1.05, 0.02, 0.02) <= 4);
  CHECK(failed_of_400(1, 1.05, 0.02, 0.05) <= 4);
}

TEST_CASE("at most one run in a hundred that is as slow as the limit allows fails a gate") {
  CHECK(failed_of_400(1.05, 1.05, 0.02, 0) <= 4);
}

TEST_CASE("a slowdown of 10 % is found in 19 of 20 runs under a limit of 5 %, where placements differ by 2 %") {
  CHECK(failed_of_400(1.10, 1.05, 0.02, 0) >= 380);
}

TEST_CASE("a slowdown of 5 % is found in 19 of 20 runs under a limit of 2 %, where placements differ by 1 %") {
  CHECK(failed_of_400(1.05, 1.02, 0.01, 0) >= 380);
}
