#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace symmbench {

/// Arithmetic mean; nullopt without samples.
std::optional<double> mean(std::span<const double> samples);

/// The middle one, or the mean of the two in the middle. @pre `values` is not empty
double median(std::vector<double> values);

/// Sample standard deviation (divisor n - 1); nullopt below two samples.
std::optional<double> standard_deviation(std::span<const double> samples);

/// standard_deviation / mean; nullopt below two samples or when the mean is not positive.
std::optional<double> coefficient_of_variation(std::span<const double> samples);

/// Nearest-rank percentile: the smallest sample that at least `percent` of all samples do not exceed. nullopt when
/// fewer than samples_for_percentile(percent) samples were taken: the p99 of 20 samples would only be their maximum
/// under another name. `percent` is above 0 and below 100. Does not need sorted input.
std::optional<double> percentile(std::span<const double> samples, double percent);

/// How many samples a percentile needs so that one of them lies above it: ceil(100 / (100 - percent)), at least 2.
/// p50: 2, p90: 10, p95: 20, p99: 100.
std::size_t samples_for_percentile(double percent);

struct Interval {
  double low = 0, high = 0;
};

/// 95 % confidence interval of the mean: mean +- t * s / sqrt(n), Student's t with n - 1 degrees of freedom.
/// nullopt below two samples.
std::optional<Interval> mean_confidence_interval(std::span<const double> samples);

/// Width of mean_confidence_interval as a fraction of the mean: what sampling goes on to narrow (--ci-width). nullopt
/// below two samples or when the mean is not positive, so that "not known" never reads as "narrow enough".
std::optional<double> relative_ci_width(std::span<const double> samples);

/// The two-sided 95 % quantile of Student's t. `degrees` is at least 1; above 30 the error is below 1e-3.
double student_t_95(double degrees);

/// The chance that Student's t of so many degrees is further from 0 than `t`, on either side. `t` is at least 0,
/// `degrees` at least 1.
double student_t_both_tails(double t, double degrees);

/// The t beyond which, on either side, Student's t of so many degrees is with a chance of `both_tails`, which is above 0
/// and below 1. Infinite degrees are the normal distribution, nearly: anything above 1e6 is taken as that.
double student_t_quantile(double both_tails, double degrees);

}  // namespace symmbench
