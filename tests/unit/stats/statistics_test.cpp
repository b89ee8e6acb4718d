#include "stats/statistics.hpp"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <numeric>
#include <vector>

using namespace symmbench;
using Catch::Approx;

namespace {

std::vector<double> one_to(int n) {
  std::vector<double> samples(static_cast<std::size_t>(n));
  std::iota(samples.rbegin(), samples.rend(), 1.0);  // descending: nothing may rely on order
  return samples;
}

}  // namespace

TEST_CASE("mean and deviation of known samples") {
  const std::vector<double> samples{2, 4, 4, 4, 5, 5, 7, 9};
  CHECK(mean(samples) == Approx(5));
  CHECK(standard_deviation(samples) == Approx(2.13808993));
  CHECK(coefficient_of_variation(samples) == Approx(2.13808993 / 5));
}

TEST_CASE("figures that need more samples than there are do not exist") {
  const std::vector<double> none, one{3};
  CHECK_FALSE(mean(none));
  CHECK(mean(one) == 3);
  CHECK_FALSE(standard_deviation(one));
  CHECK_FALSE(coefficient_of_variation(one));
  CHECK_FALSE(mean_confidence_interval(one));
  CHECK_FALSE(relative_ci_width(none));
  CHECK_FALSE(relative_ci_width(one));
}

TEST_CASE("a percentile exists only when a sample can lie above it") {
  struct Case {
    double percent;
    int enough;
    double value;  // nearest rank in 1 ... enough
  };
  for (const auto& [percent, enough, value] :
       {Case{50, 2, 1}, Case{75, 4, 3}, Case{90, 10, 9}, Case{95, 20, 19}, Case{99, 100, 99}, Case{99.9, 1000, 999}}) {
    INFO("p" << percent);
    CHECK(samples_for_percentile(percent) == static_cast<std::size_t>(enough));
    CHECK_FALSE(percentile(one_to(enough - 1), percent));
    CHECK(percentile(one_to(enough), percent) == value);
  }
}

TEST_CASE("a percentile is the nearest rank, never an interpolation") {
  CHECK(percentile(one_to(5), 50) == 3);
  CHECK(percentile(one_to(4), 50) == 2);
  CHECK(percentile(one_to(11), 90) == 10);
  CHECK(percentile(std::vector<double>{7, 7, 7, 7}, 50) == 7);
}

TEST_CASE("a percentage outside 0 to 100 gives nothing") {
  for (const double percent : {-1.0, 0.0, 100.0, 101.0}) CHECK_FALSE(percentile(one_to(1000), percent));
}

TEST_CASE("Student's quantile agrees with the printed tables") {
  CHECK(student_t_95(1) == Approx(12.706));
  CHECK(student_t_95(9) == Approx(2.262));
  CHECK(student_t_95(30) == Approx(2.042).margin(1e-3));
  CHECK(student_t_95(60) == Approx(2.000).margin(1e-3));
  CHECK(student_t_95(120) == Approx(1.980).margin(1e-3));
  CHECK(student_t_95(1e9) == Approx(1.96).margin(1e-3));
}

TEST_CASE("both tails of Student's t agrees with the printed tables, and with its quantile") {
  CHECK(student_t_both_tails(0, 7) == Approx(1));
  CHECK(student_t_both_tails(2.365, 7) == Approx(0.05).epsilon(1e-3));
  CHECK(student_t_both_tails(3.499, 7) == Approx(0.01).epsilon(1e-3));
  CHECK(student_t_both_tails(5.408, 7) == Approx(0.001).epsilon(2e-3));
  CHECK(student_t_both_tails(1, 1) == Approx(0.5));
  for (const double degrees : {1.0, 2.0, 5.0, 23.0, 100.0, 1000.0}) {
    CHECK(student_t_both_tails(student_t_95(degrees), degrees) == Approx(0.05).epsilon(2e-3));
  }
}

TEST_CASE("Student's quantile never rises with more degrees of freedom") {
  for (double degrees = 1; degrees < 200; degrees += 0.5) CHECK(student_t_95(degrees) >= student_t_95(degrees + 0.5));
}

TEST_CASE("the confidence interval of the mean is t times the standard error") {
  const std::vector<double> samples{9, 10, 11};
  const auto interval = mean_confidence_interval(samples);
  REQUIRE(interval);
  CHECK(interval->low == Approx(10 - 4.303 / std::sqrt(3.0)));
  CHECK(interval->high == Approx(10 + 4.303 / std::sqrt(3.0)));
  CHECK(relative_ci_width(samples) == Approx(2 * 4.303 / std::sqrt(3.0) / 10));
}

TEST_CASE("samples without spread have an interval of no width") {
  const std::vector<double> samples(10, 2.5);
  CHECK(relative_ci_width(samples) == Approx(0));
}

TEST_CASE("a relative width over a mean that is not positive does not exist") {
  CHECK_FALSE(relative_ci_width(std::vector<double>{-1, 1}));
  CHECK_FALSE(coefficient_of_variation(std::vector<double>{0, 0}));
}

TEST_CASE("a small spread beside a large mean keeps its digits") {
  std::vector<double> samples;
  for (int i = 0; i < 100; ++i) samples.push_back(1e9 + (i % 2));
  CHECK(standard_deviation(samples) == Approx(0.50252).epsilon(1e-4));
}
