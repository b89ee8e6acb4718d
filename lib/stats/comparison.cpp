#include "stats/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

#include "core/counted.hpp"
#include "core/names.hpp"
#include "stats/multiplicity.hpp"
#include "stats/pooled_variance.hpp"

namespace symmbench {
namespace {

constexpr auto kVerdicts = name_table<PairVerdict>({{PairVerdict::same, "same"},
                                                    {PairVerdict::faster, "faster"},
                                                    {PairVerdict::slower, "slower"},
                                                    {PairVerdict::ambiguous, "ambiguous"},
                                                    {PairVerdict::unstable, "unstable"}});

constexpr double kLowest = 1 - kSameWithin, kHighest = 1 + kSameWithin;

using Blocks = std::vector<std::vector<double>>;

bool all_positive(const Blocks& blocks) {
  return std::all_of(blocks.begin(), blocks.end(), [](const auto& block) {
    return std::all_of(block.begin(), block.end(), [](double time) { return std::isfinite(time) && time > 0; });
  });
}

double log_mean(const std::vector<double>& times) {
  const auto sum =
      std::accumulate(times.begin(), times.end(), 0.0, [](double before, double t) { return before + std::log(t); });
  return sum / static_cast<double>(times.size());
}

/// Largest block over smallest block of one allocator, minus 1.
double spread_of(const std::vector<double>& block_log_means) {
  const auto [low, high] = std::minmax_element(block_log_means.begin(), block_log_means.end());
  return std::exp(*high - *low) - 1;
}

double variance_of(const PairedCase& measured) {
  const double deviation = standard_deviation(measured.log_ratios).value_or(0);
  return deviation * deviation;
}

bool outside(const Interval& interval) { return interval.high < kLowest || interval.low > kHighest; }

/// Mean of the logarithms of the ratio, and what is known of its error.
struct Estimate {
  double log_ratio = 0, error = 0, degrees = 0;

  std::optional<Interval> interval() const {
    if (degrees < 1) return std::nullopt;
    const double half_width = student_t_95(degrees) * error;
    return Interval{.low = std::exp(log_ratio - half_width), .high = std::exp(log_ratio + half_width)};
  }

  /// How likely so large a ratio, or one so small, is where the true one is within +-kSameWithin.
  double chance_of_same() const {
    const double beyond = std::max(log_ratio - std::log(kHighest), std::log(kLowest) - log_ratio);
    if (beyond <= 0 || degrees < 1) return 1;
    return error > 0 ? student_t_both_tails(beyond / error, degrees) : 0;
  }
  /// The same where the true one is 1.
  double chance_of_equal() const {
    if (log_ratio == 0 || degrees < 1) return 1;
    return error > 0 ? student_t_both_tails(std::abs(log_ratio) / error, degrees) : 0;
  }
};

Estimate estimate_of(const PairedCase& measured, double least_variance) {
  const auto count = static_cast<double>(measured.log_ratios.size());
  const double variance = std::max(variance_of(measured), least_variance);
  return {.log_ratio = *mean(measured.log_ratios), .error = std::sqrt(variance / count), .degrees = count - 1};
}

bool enough(const PairedCase& measured) {
  return measured.log_ratios.size() >= kPlacementsToDecide && measured.samples >= kSamplesToDecide;
}

/// How far placements differ, where that is why nothing is decided.
std::string by_placement(const PairedCase& measured) {
  const auto [least, most] = std::minmax_element(measured.log_ratios.begin(), measured.log_ratios.end());
  if (*most - *least <= kSameWithin) return "";
  return fmt::format(" (by placement {:.3f} to {:.3f})", std::exp(*least), std::exp(*most));
}

/// `survives`: a difference stays one when the whole family is looked at.
PairedComparison judged(const PairedCase& measured, const Estimate& estimate, bool survives, std::size_t family_size) {
  PairedComparison result{.ratio = std::exp(estimate.log_ratio),
                          .interval = estimate.interval(),
                          .block_spread = measured.block_spread,
                          .samples = measured.samples,
                          .placements = measured.log_ratios.size()};
  const auto say = [&](PairVerdict verdict, std::string reason) {
    result.verdict = verdict;
    result.reason = std::move(reason);
    return result;
  };
  if (auto why = too_few_to_decide(result.placements, result.samples)) return say(PairVerdict::ambiguous, *why);
  const bool spread_tells = measured.smallest_block >= kSamplesToJudgeBlock;
  if (spread_tells && result.block_spread > kUnstableSpread && result.block_spread > std::abs(result.ratio - 1)) {
    return say(PairVerdict::unstable,
               fmt::format("batches of one placement differ by {:.0f} %", result.block_spread * 100));
  }
  auto decision = decide_by_interval(*result.interval, survives, family_size);
  const bool crosses = decision.verdict == PairVerdict::ambiguous && !outside(*result.interval);
  if (crosses) decision.reason += by_placement(measured);
  return say(decision.verdict, std::move(decision.reason));
}

}  // namespace

std::string_view name_of(PairVerdict verdict) { return kVerdicts.name(verdict); }

std::optional<std::string> too_few_to_decide(std::size_t placements, std::size_t samples) {
  if (placements < kPlacementsToDecide) {
    return fmt::format("{}, {} are needed", counted(placements, "placement"), kPlacementsToDecide);
  }
  if (samples < kSamplesToDecide) return fmt::format("{}, {} are needed", counted(samples, "sample"), kSamplesToDecide);
  return std::nullopt;
}

Decision decide_by_interval(const Interval& ratio, bool survives, std::size_t family_size) {
  const auto interval = fmt::format("interval {:.3f} to {:.3f}", ratio.low, ratio.high);
  if (ratio.low >= kLowest && ratio.high <= kHighest) {
    return {PairVerdict::same, interval + " lies within 0.97 to 1.03"};
  }
  if (!outside(ratio)) {
    const bool low = ratio.low < kLowest && ratio.high > kLowest;
    const bool high = ratio.low < kHighest && ratio.high > kHighest;
    return {PairVerdict::ambiguous, fmt::format("{} crosses {}", interval,
                                                low && high ? "0.97 and 1.03"
                                                : low       ? "0.97"
                                                            : "1.03")};
  }
  const bool below = ratio.high < kLowest;
  const auto side = interval + (below ? " lies below 0.97" : " lies above 1.03");
  if (survives) return {below ? PairVerdict::faster : PairVerdict::slower, side};
  return {
      PairVerdict::ambiguous,
      fmt::format("{}, but not clearly enough{} ({:.0f} % of runs may be wrong by chance)", side,
                  family_size > 1 ? fmt::format(" for one of {} comparisons", family_size) : "", 100 * kChanceLevel)};
}

std::optional<PairedCase> pair_up(std::span<const PlacementBlocks> placements) {
  PairedCase result{.smallest_block = SIZE_MAX};
  std::vector<double> spreads;
  std::size_t a_samples = 0, b_samples = 0;
  for (const auto& placement : placements) {
    if (!all_positive(placement.a) || !all_positive(placement.b)) return std::nullopt;
    std::vector<double> differences, a_means, b_means;
    for (std::size_t k = 0; k < std::min(placement.a.size(), placement.b.size()); ++k) {
      const auto &a = placement.a[k], &b = placement.b[k];
      if (a.empty() || b.empty()) continue;
      result.smallest_block = std::min({result.smallest_block, a.size(), b.size()});
      a_samples += a.size(), b_samples += b.size();
      a_means.push_back(log_mean(a)), b_means.push_back(log_mean(b));
      differences.push_back(a_means.back() - b_means.back());
    }
    if (differences.empty()) continue;
    result.log_ratios.push_back(*mean(differences));
    spreads.push_back(std::max(spread_of(a_means), spread_of(b_means)));
  }
  if (result.log_ratios.empty()) return std::nullopt;
  result.block_spread = median(std::move(spreads));
  result.samples = std::min(a_samples, b_samples);
  return result;
}

std::vector<PairedComparison> compare(std::span<const FamilyMember> family) {
  std::vector<SeriesVariance> variances;
  for (const auto& [measured, series] : family) {
    if (enough(measured)) variances.push_back({series, variance_of(measured)});
  }
  const auto common = common_variances(variances);
  std::vector<Estimate> estimates;
  std::vector<double> chances_of_same, chances_of_equal;
  for (const auto& [measured, series] : family) {
    const auto variance = common.find(series);
    estimates.push_back(estimate_of(measured, variance == common.end() ? 0 : variance->second));
    chances_of_same.push_back(enough(measured) ? estimates.back().chance_of_same() : 1);
    chances_of_equal.push_back(enough(measured) ? estimates.back().chance_of_equal() : 1);
  }
  const auto same_limits = holm_limits(chances_of_same, kVerdictLevel);
  const auto equal_limits = holm_limits(chances_of_equal, kChanceLevel);
  std::vector<PairedComparison> results;
  for (std::size_t i = 0; i < family.size(); ++i) {
    const bool survives = chances_of_same[i] < same_limits[i] && chances_of_equal[i] < equal_limits[i];
    results.push_back(judged(family[i].measured, estimates[i], survives, family.size()));
  }
  return results;
}

PairedComparison compare_early(const PairedCase& measured, std::size_t family_size) {
  const Estimate estimate = estimate_of(measured, 0);
  const auto cases = static_cast<double>(family_size);
  const bool survives =
      estimate.chance_of_same() * cases < kVerdictLevel && estimate.chance_of_equal() * cases < kChanceLevel;
  return judged(measured, estimate, survives, family_size);
}

}  // namespace symmbench
