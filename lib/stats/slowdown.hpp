#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stats/comparison.hpp"
#include "stats/statistics.hpp"

namespace symmbench {

/// What a run measured of a case: mean times by placement, all positive, and how many samples they are made of.
struct PlacedTimes {
  std::vector<double> placement_us;
  std::size_t samples = 0;
};

/// A case that was measured twice, by two runs or by a run and whoever set a limit: how many times longer it took the
/// second time, as a logarithm.
struct Slowdown {
  double log_ratio = 0;                     ///< of geometric means over placements
  double variance = 0;                      ///< of log_ratio, by what placements differ
  double degrees = 0;                       ///< of freedom; 0: the variance is not known
  std::size_t samples = 0, placements = 0;  ///< of the run that has fewer
  double runs = 2;  ///< that vary as runs do: 1 where the other side is a reference that counts as known
  /// The same number marks cases of one series that follow each other by size.
  std::size_t series = 0;
};

/// Two runs have their placements each for themselves: Welch's t. nullopt where a side has no time.
std::optional<Slowdown> slowdown_between(const PlacedTimes& before, const PlacedTimes& after, std::size_t series);
/// Against a time that counts as known. nullopt without a time, or where `reference_us` is not positive.
std::optional<Slowdown> slowdown_over(double reference_us, const PlacedTimes& after, std::size_t series);

/// By how much the ratios of cases that follow each other in a series are further apart than placements explain: Birge's
/// ratio, from the median, so that a few cases which really changed do not matter, nor does a step at one size. Standard
/// errors are multiplied by it. 1 where it is no more than chance makes in one of a hundred families, and where fewer than
/// kNeighboursToTell pairs can be looked at.
inline constexpr std::size_t kNeighboursToTell = 4;
double excess_scatter(std::span<const Slowdown> family);

/// The share of runs without any regression that may fail a gate, all cases of a run together.
inline constexpr double kGateLevel = 0.01;

enum class GateVerdict {
  regressed,   ///< slower than the limit allows: the one-sided lower bound of the slowdown is above it
  within,      ///< shown to keep the limit: the upper bound is not above it
  undecided,   ///< neither
  not_judged,  ///< too few placements or samples
};
std::string_view name_of(GateVerdict verdict);

struct SlowdownResult {
  double ratio = 1;                  ///< time of the second over time of the first
  std::optional<Interval> interval;  ///< 95 %, two-sided; nullopt where the variance is not known
  std::size_t samples = 0, placements = 0;
  PairVerdict verdict = PairVerdict::ambiguous;  ///< about the second; never `unstable`
  std::string reason;                            ///< of `verdict`, in words
  GateVerdict gate = GateVerdict::not_judged;
  /// One-sided bounds of the ratio at kGateLevel over the family; nullopt where it is not judged.
  std::optional<double> at_least, at_most;
};

/// All cases of two runs. `limits`: of each case the ratio above which it is a regression, as many as `family` has.
///
/// The variance of a case is its own, but at least the median one of its series (of three or more), times the square of
/// excess_scatter(), and for each of `runs` the square of `run_spread` is added: the standard deviation of the logarithm of
/// a run's times, all of them together, when it is simply repeated. Verdicts as in compare(): kVerdictLevel and kChanceLevel over the family (Holm).
/// Regressions: Holm over the family at kGateLevel, one-sided; a case needs kPlacementsToDecide placements and
/// kSamplesToDecide samples on both sides.
std::vector<SlowdownResult> judge_slowdowns(std::span<const Slowdown> family, std::span<const double> limits,
                                            double run_spread);

}  // namespace symmbench
