#include "stats/statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace symmbench {
namespace {

/// From so many degrees on Student's t is taken as normal.
constexpr double kNearlyNormal = 1e6;

/// Percentages such as 99.9 are not exact in binary; without this, 100 / (100 - 99.9) would round up to 1001.
std::size_t ceil_count(double value) { return static_cast<std::size_t>(std::ceil(value - 1e-9)); }

/// The continued fraction of the incomplete beta function, by Lentz's method. It converges fast for
/// x < (a + 1) / (a + b + 2).
double beta_fraction(double a, double b, double x) {
  constexpr int kMostSteps = 500;
  constexpr double kTiny = 1e-300, kPrecision = 1e-14;
  const auto kept_from_zero = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double c = 1, d = 1 / kept_from_zero(1 - (a + b) * x / (a + 1));
  double fraction = d;
  for (int m = 1; m <= kMostSteps; ++m) {
    const double twice = 2.0 * m;
    const double even = m * (b - m) * x / ((a + twice - 1) * (a + twice));
    const double odd = -(a + m) * (a + b + m) * x / ((a + twice) * (a + twice + 1));
    for (const double term : {even, odd}) {
      d = 1 / kept_from_zero(1 + term * d);
      c = kept_from_zero(1 + term / c);
      fraction *= d * c;
    }
    if (std::abs(d * c - 1) < kPrecision) break;
  }
  return fraction;
}

/// The regularised incomplete beta function I_x(a, b).
double incomplete_beta(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double front =
      std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
  return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

}  // namespace

std::optional<double> mean(std::span<const double> samples) {
  if (samples.empty()) return std::nullopt;
  return std::accumulate(samples.begin(), samples.end(), 0.0) / static_cast<double>(samples.size());
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

std::optional<double> standard_deviation(std::span<const double> samples) {
  if (samples.size() < 2) return std::nullopt;
  // Two passes: the one-pass formula loses every digit when the spread is small beside the mean.
  const double center = *mean(samples);
  double squares = 0;
  for (const double sample : samples) squares += (sample - center) * (sample - center);
  return std::sqrt(squares / static_cast<double>(samples.size() - 1));
}

std::optional<double> coefficient_of_variation(std::span<const double> samples) {
  const auto deviation = standard_deviation(samples);
  if (!deviation || *mean(samples) <= 0) return std::nullopt;
  return *deviation / *mean(samples);
}

std::size_t samples_for_percentile(double percent) {
  return std::max<std::size_t>(2, ceil_count(100.0 / (100.0 - percent)));
}

std::optional<double> percentile(std::span<const double> samples, double percent) {
  if (!(percent > 0 && percent < 100) || samples.size() < samples_for_percentile(percent)) return std::nullopt;
  const std::size_t rank = ceil_count(percent / 100.0 * static_cast<double>(samples.size()));  // 1 ... n
  std::vector<double> ordered(samples.begin(), samples.end());
  const auto at = ordered.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
  std::nth_element(ordered.begin(), at, ordered.end());
  return *at;
}

double student_t_95(double degrees) {
  constexpr std::array<double, 30> kQuantiles{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                                              2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
                                              2.080,  2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};
  if (degrees < static_cast<double>(kQuantiles.size())) {
    // Fractional degrees take the next lower row: the interval may be wider than needed, never narrower.
    return kQuantiles[static_cast<std::size_t>(std::max(1.0, std::floor(degrees))) - 1];
  }
  // Cornish-Fisher expansion of the normal quantile in 1 / degrees, two terms.
  constexpr double kNormal = 1.959964;
  const double cubic = (std::pow(kNormal, 3) + kNormal) / 4;
  const double quintic = (5 * std::pow(kNormal, 5) + 16 * std::pow(kNormal, 3) + 3 * kNormal) / 96;
  return kNormal + cubic / degrees + quintic / (degrees * degrees);
}

double student_t_both_tails(double t, double degrees) {
  if (degrees > kNearlyNormal) return std::erfc(t / std::sqrt(2.0));
  return incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t));
}

double student_t_quantile(double both_tails, double degrees) {
  double low = 0, high = 1;
  while (student_t_both_tails(high, degrees) > both_tails && high < std::numeric_limits<double>::max() / 4) {
    low = high;
    high *= 2;
  }
  constexpr double kPrecision = 1e-10;
  while (high - low > kPrecision * high) {
    const double middle = (low + high) / 2;
    (student_t_both_tails(middle, degrees) > both_tails ? low : high) = middle;
  }
  return high;
}

std::optional<Interval> mean_confidence_interval(std::span<const double> samples) {
  const auto deviation = standard_deviation(samples);
  if (!deviation) return std::nullopt;
  const auto count = static_cast<double>(samples.size());
  const double half_width = student_t_95(count - 1) * *deviation / std::sqrt(count);
  return Interval{.low = *mean(samples) - half_width, .high = *mean(samples) + half_width};
}

std::optional<double> relative_ci_width(std::span<const double> samples) {
  const auto interval = mean_confidence_interval(samples);
  if (!interval || *mean(samples) <= 0) return std::nullopt;
  return (interval->high - interval->low) / *mean(samples);
}

}  // namespace symmbench
