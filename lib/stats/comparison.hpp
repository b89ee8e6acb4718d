#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stats/statistics.hpp"

namespace symmbench {

/// What a paired comparison of A with B says about A.
enum class PairVerdict {
  same,       ///< the interval of the ratio lies within +-kSameWithin
  faster,     ///< A takes less time: the whole interval is below 1 - kSameWithin, whichever else was compared
  slower,     ///< A takes more time: the whole interval is above 1 + kSameWithin, likewise
  ambiguous,  ///< not decided: too few placements or samples, or they do not agree on a difference
  unstable,   ///< batches of one placement differ by more than the allocators do: more placements will not decide
};

std::string_view name_of(PairVerdict verdict);

/// A difference below this is of no consequence to anybody: run-to-run variation of a quiet machine is of this size.
inline constexpr double kSameWithin = 0.03;
/// The share of families in which faster or slower may be said of something that differs by no more than kSameWithin.
inline constexpr double kVerdictLevel = 0.05;
/// The share of families in which they may be said of something that does not differ at all: what decides where placements
/// are so far apart that kSameWithin is nothing beside them.
inline constexpr double kChanceLevel = 0.01;
/// Blocks of one placement and allocator that differ by more than this make it suspect.
inline constexpr double kUnstableSpread = 0.10;
/// With fewer placements or samples of either allocator the verdict is ambiguous, whatever the interval says: how
/// placements differ must be known before they can be told from a difference of allocators.
inline constexpr std::size_t kPlacementsToDecide = 6;
inline constexpr std::size_t kSamplesToDecide = 6;
/// Below this many samples a block's mean is itself noise, and blocks that differ make nobody suspect.
inline constexpr std::size_t kSamplesToJudgeBlock = 5;

/// "4 placements, 6 are needed"; nullopt where there are enough.
std::optional<std::string> too_few_to_decide(std::size_t placements, std::size_t samples);

struct Decision {
  PairVerdict verdict = PairVerdict::ambiguous;
  std::string reason;
};
/// What the interval of a ratio decides: same where it lies within kSameWithin of 1, faster or slower where it lies
/// outside of that and `survives` both levels over all of its family (Holm), ambiguous otherwise.
Decision decide_by_interval(const Interval& ratio, bool survives, std::size_t family_size);

/// What two allocators measured in one placement of their workspaces: times, in the blocks in which they took turns
/// (A-B-B-A), the k-th of A beside the k-th of B.
struct PlacementBlocks {
  std::vector<std::vector<double>> a, b;
};

/// A case that two allocators ran, placement by placement.
struct PairedCase {
  /// Of each placement, the logarithm of A's time over B's: the mean over pairs of blocks of the difference of mean
  /// logarithms. A drift that is linear in time cancels, because A leads in one pair and B in the next.
  std::vector<double> log_ratios;
  double block_spread = 0;  ///< largest relative difference between two blocks of one allocator, median of placements
  std::size_t samples = 0;  ///< of the allocator that has fewer
  std::size_t smallest_block = 0;  ///< in samples
};

/// Blocks without a partner, and placements without a pair of blocks, are left out. nullopt when nothing is left, or
/// a sample is not a positive finite number.
std::optional<PairedCase> pair_up(std::span<const PlacementBlocks> placements);

/// Times of A over times of B: below 1, A is faster.
struct PairedComparison {
  double ratio = 1;                  ///< geometric mean over placements
  std::optional<Interval> interval;  ///< 95 %, over placements; nullopt below two
  double block_spread = 0;
  std::size_t samples = 0, placements = 0;
  PairVerdict verdict = PairVerdict::ambiguous;
  std::string reason;  ///< in words: "4 placements, 6 are needed", "interval 0.94 to 1.08 crosses 0.97"
};

/// Cases that are looked at together, as many as there are in `family`; the same number in `series` marks sizes of one
/// series (same workspace, pattern, algorithm, dtype).
struct FamilyMember {
  PairedCase measured;
  std::size_t series = 0;
};

/// Where the workspaces lie changes their times, by percents, and differently at every size: what is compared are
/// placements, not samples, of which those of one placement share its luck. The interval is Student's t over the
/// placements. Their variance is the case's own, but at least the median one of its series (of three sizes or more): a
/// handful of placements that agree by chance do not make a verdict, and one noisy size does not drown the others.
///
/// In order:
///  1. fewer than kPlacementsToDecide placements or kSamplesToDecide samples                      -> ambiguous
///  2. blocks (of kSamplesToJudgeBlock or more samples) spread by more than kUnstableSpread and by more than
///     |ratio - 1|                                                                                -> unstable
///  3. interval within [1 - kSameWithin, 1 + kSameWithin]                                         -> same
///  4. interval wholly below or above that, and so it stays at both levels when all of the family are looked at (Holm)
///                                                                                                -> faster, slower
///  5. otherwise                                                                                  -> ambiguous
std::vector<PairedComparison> compare(std::span<const FamilyMember> family);

/// The same for a case whose family of `family_size` is not known yet: its own variance, and the strictest limit that
/// Holm could set it.
PairedComparison compare_early(const PairedCase& measured, std::size_t family_size);

}  // namespace symmbench
