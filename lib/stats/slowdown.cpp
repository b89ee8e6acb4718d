#include "stats/slowdown.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "core/names.hpp"
#include "stats/multiplicity.hpp"
#include "stats/pooled_variance.hpp"

namespace symmbench {
namespace {

constexpr auto kGateVerdicts = name_table<GateVerdict>({{GateVerdict::regressed, "regressed"},
                                                        {GateVerdict::within, "within"},
                                                        {GateVerdict::undecided, "undecided"},
                                                        {GateVerdict::not_judged, "not_judged"}});

/// Half of normal deviations are smaller than this many standard deviations.
constexpr double kMedianDeviation = 0.6745;
/// One in a hundred normal deviations is larger than this many standard deviations.
constexpr double kOneInHundred = 2.3263;

struct LogTimes {
  double mean = 0;
  double variance_of_mean = 0;
  double degrees = 0;
};

std::optional<LogTimes> log_times(const PlacedTimes& times) {
  if (times.placement_us.empty()) return std::nullopt;
  std::vector<double> logarithms;
  for (const double time : times.placement_us) {
    if (!std::isfinite(time) || time <= 0) return std::nullopt;
    logarithms.push_back(std::log(time));
  }
  const double deviation = standard_deviation(logarithms).value_or(0);
  const auto count = static_cast<double>(logarithms.size());
  return LogTimes{.mean = *mean(logarithms), .variance_of_mean = deviation * deviation / count, .degrees = count - 1};
}

/// Welch and Satterthwaite: of a sum of variances of which each is known to so many degrees. Without any variance, of the
/// fewer.
double degrees_of_sum(const LogTimes& a, const LogTimes& b) {
  if (a.degrees < 1 || b.degrees < 1) return 0;
  const double sum = a.variance_of_mean + b.variance_of_mean;
  if (sum <= 0) return std::min(a.degrees, b.degrees);
  const auto part = [](const LogTimes& one) { return one.variance_of_mean * one.variance_of_mean / one.degrees; };
  return sum * sum / (part(a) + part(b));
}

bool enough(const Slowdown& measured) {
  return measured.degrees >= 1 && !too_few_to_decide(measured.placements, measured.samples);
}

/// What is known of a case once all of its family were looked at.
struct TimesLonger {
  double log_ratio = 0, error = 0, degrees = 0;

  Interval interval() const {
    const double half_width = student_t_95(degrees) * error;
    return {.low = std::exp(log_ratio - half_width), .high = std::exp(log_ratio + half_width)};
  }
  /// How likely an estimate so far above is, on that side, where the true one is at `log_limit`.
  double chance_above(double log_limit) const {
    const double beyond = log_ratio - log_limit;
    if (beyond <= 0) return 1;
    return error > 0 ? student_t_both_tails(beyond / error, degrees) / 2 : 0;
  }
  double chance_of_same() const { return chance_between(std::log1p(-kSameWithin), std::log1p(kSameWithin)); }
  double chance_of_equal() const { return chance_between(0, 0); }

 private:
  /// How likely an estimate so far out, on either side, is where the true one is between these.
  double chance_between(double low, double high) const {
    const double above = chance_above(high), below = TimesLonger{-log_ratio, error, degrees}.chance_above(-low);
    return std::min(1.0, 2 * std::min(above, below));
  }
};

std::vector<TimesLonger> estimates_of(std::span<const Slowdown> family, double run_spread) {
  std::vector<SeriesVariance> variances;
  for (const auto& measured : family) {
    if (enough(measured)) variances.push_back({measured.series, measured.variance});
  }
  const auto common = common_variances(variances);
  const double scatter = excess_scatter(family);
  std::vector<TimesLonger> estimates;
  for (const auto& measured : family) {
    const auto series = common.find(measured.series);
    const double own = std::max(measured.variance, series == common.end() ? 0 : series->second) * scatter * scatter;
    const double between_runs = run_spread * run_spread * measured.runs;
    const double variance = own + between_runs;
    // The spread between runs counts as known: the more of the variance it is, the less are the degrees of the rest felt.
    const double degrees = own > 0            ? measured.degrees * (variance / own) * (variance / own)
                           : between_runs > 0 ? std::numeric_limits<double>::infinity()
                                              : measured.degrees;
    estimates.push_back({measured.log_ratio, std::sqrt(variance), degrees});
  }
  return estimates;
}

GateVerdict gate_verdict(double at_least, double at_most, double limit) {
  if (at_least > limit) return GateVerdict::regressed;
  return at_most <= limit ? GateVerdict::within : GateVerdict::undecided;
}

}  // namespace

std::string_view name_of(GateVerdict verdict) { return kGateVerdicts.name(verdict); }

std::optional<Slowdown> slowdown_between(const PlacedTimes& before, const PlacedTimes& after, std::size_t series) {
  const auto a = log_times(before), b = log_times(after);
  if (!a || !b) return std::nullopt;
  return Slowdown{.log_ratio = b->mean - a->mean,
                  .variance = a->variance_of_mean + b->variance_of_mean,
                  .degrees = degrees_of_sum(*a, *b),
                  .samples = std::min(before.samples, after.samples),
                  .placements = std::min(before.placement_us.size(), after.placement_us.size()),
                  .series = series};
}

std::optional<Slowdown> slowdown_over(double reference_us, const PlacedTimes& after, std::size_t series) {
  const auto measured = log_times(after);
  if (!measured || !std::isfinite(reference_us) || reference_us <= 0) return std::nullopt;
  return Slowdown{.log_ratio = measured->mean - std::log(reference_us),
                  .variance = measured->variance_of_mean,
                  .degrees = measured->degrees,
                  .samples = after.samples,
                  .placements = after.placement_us.size(),
                  .runs = 1,
                  .series = series};
}

double excess_scatter(std::span<const Slowdown> family) {
  std::map<std::size_t, const Slowdown*> last_of_series;
  std::vector<double> distances;
  for (const auto& measured : family) {
    if (!enough(measured)) continue;
    const Slowdown*& last = last_of_series[measured.series];
    const double variance = last == nullptr ? 0 : last->variance + measured.variance;
    if (variance > 0) distances.push_back(std::abs(measured.log_ratio - last->log_ratio) / std::sqrt(variance));
    last = &measured;
  }
  if (distances.size() < kNeighboursToTell) return 1;
  // The share of distances below their median is a half, give or take what chance does to so few.
  const double by_chance = 0.5 + kOneInHundred * 0.5 / std::sqrt(static_cast<double>(distances.size()));
  const double middle = median(std::move(distances));
  const bool explained = middle <= student_t_quantile(1 - by_chance, std::numeric_limits<double>::infinity());
  return explained ? 1 : middle / kMedianDeviation;
}

std::vector<SlowdownResult> judge_slowdowns(std::span<const Slowdown> family, std::span<const double> limits,
                                            double run_spread) {
  const auto estimates = estimates_of(family, run_spread);
  std::vector<double> chances_of_same, chances_of_equal, chances_of_limit;
  for (std::size_t i = 0; i < family.size(); ++i) {
    const bool judged = enough(family[i]);
    chances_of_same.push_back(judged ? estimates[i].chance_of_same() : 1);
    chances_of_equal.push_back(judged ? estimates[i].chance_of_equal() : 1);
    chances_of_limit.push_back(judged ? estimates[i].chance_above(std::log(limits[i])) : 1);
  }
  const auto same_levels = holm_limits(chances_of_same, kVerdictLevel);
  const auto equal_levels = holm_limits(chances_of_equal, kChanceLevel);
  const auto gate_levels = holm_limits(chances_of_limit, kGateLevel);

  std::vector<SlowdownResult> results;
  for (std::size_t i = 0; i < family.size(); ++i) {
    const Slowdown& measured = family[i];
    const TimesLonger& estimate = estimates[i];
    SlowdownResult result{
        .ratio = std::exp(estimate.log_ratio), .samples = measured.samples, .placements = measured.placements};
    if (measured.degrees >= 1) result.interval = estimate.interval();
    if (!enough(measured)) {
      result.reason = too_few_to_decide(measured.placements, measured.samples).value_or("its variance is not known");
    } else {
      const bool survives = chances_of_same[i] < same_levels[i] && chances_of_equal[i] < equal_levels[i];
      auto decision = decide_by_interval(*result.interval, survives, family.size());
      result.verdict = decision.verdict;
      result.reason = std::move(decision.reason);
      const double reach = student_t_quantile(2 * gate_levels[i], estimate.degrees) * estimate.error;
      result.at_least = std::exp(estimate.log_ratio - reach);
      result.at_most = std::exp(estimate.log_ratio + reach);
      result.gate = gate_verdict(*result.at_least, *result.at_most, limits[i]);
    }
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace symmbench
