#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "stats/statistics.hpp"

namespace symmbench {

/// What a paired comparison of A with B says about A.
enum class PairVerdict {
  same,       ///< the interval of the ratio lies within +-kSameWithin
  faster,     ///< A takes less time: the whole interval is below 1 - kSameWithin
  slower,     ///< A takes more time: the whole interval is above 1 + kSameWithin
  ambiguous,  ///< the interval holds both "same" and "different": more samples may decide
  unstable,   ///< blocks of one allocator differ by more than the allocators do: more samples will not
};

std::string_view name_of(PairVerdict verdict);

/// Times of A over times of B: below 1, A is faster.
struct PairedComparison {
  double ratio = 1;
  std::optional<Interval> interval;  ///< 95 %; nullopt when there are too few samples for one
  double block_spread = 0;           ///< largest relative difference between two blocks of one allocator
  PairVerdict verdict = PairVerdict::ambiguous;
};

/// A difference below this is of no consequence to anybody: run-to-run variation of a quiet machine is of this size.
inline constexpr double kSameWithin = 0.03;
/// Blocks of one allocator that differ by more than this make it suspect.
inline constexpr double kUnstableSpread = 0.10;
/// With fewer samples of either allocator the pair verdict is ambiguous, whatever the interval says.
inline constexpr std::size_t kSamplesToDecide = 6;
/// Below this many samples a block's mean is itself noise, and blocks that differ make nobody suspect.
inline constexpr std::size_t kSamplesToJudgeBlock = 5;

/// Compares two allocators that took turns in one process, A-B-B-A or, of more, A-B-C-C-B-A: blocks in the order in
/// which they ran, the k-th of A beside the k-th of B; samples are times. From each pair of blocks comes one difference
/// of mean logarithms. Their mean is the logarithm of the ratio: a drift that is linear in time cancels, because A
/// leads in one pair and B in the next. The interval is Student's t over the pairs (samples of one block share what
/// disturbed it), and never narrower than what the samples within blocks say: two pairs give a wide one, however many
/// samples they hold; one pair gives none. Blocks without a partner are left out. nullopt when an allocator has no
/// pairable block or a sample is not a positive finite number.
std::optional<PairedComparison> compare_paired(std::span<const std::vector<double>> a_blocks,
                                               std::span<const std::vector<double>> b_blocks);

/// The one place that turns an interval into a word:
///  1. no interval                                                          -> ambiguous
///  2. blocks (of kSamplesToJudgeBlock or more samples) spread by more than kUnstableSpread and by more than |ratio -
///  1| -> unstable
///  3. interval within [1 - kSameWithin, 1 + kSameWithin]                   -> same
///  4. interval wholly below 1 - kSameWithin                                -> faster; wholly above 1 + -> slower
///  5. otherwise (it straddles a limit)                                     -> ambiguous
PairVerdict pair_verdict_of(double ratio, const std::optional<Interval>& interval, double block_spread);

}  // namespace symmbench
