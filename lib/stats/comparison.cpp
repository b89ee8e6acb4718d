#include "stats/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/names.hpp"

namespace symmbench {
namespace {

constexpr auto kVerdicts = name_table<PairVerdict>({{PairVerdict::same, "same"},
                                                    {PairVerdict::faster, "faster"},
                                                    {PairVerdict::slower, "slower"},
                                                    {PairVerdict::ambiguous, "ambiguous"},
                                                    {PairVerdict::unstable, "unstable"}});

using Blocks = std::span<const std::vector<double>>;

bool all_positive(Blocks blocks) {
  return std::all_of(blocks.begin(), blocks.end(), [](const auto& block) {
    return std::all_of(block.begin(), block.end(), [](double time) { return std::isfinite(time) && time > 0; });
  });
}

std::vector<double> logarithms(const std::vector<double>& times) {
  std::vector<double> logs(times.size());
  std::transform(times.begin(), times.end(), logs.begin(), [](double time) { return std::log(time); });
  return logs;
}

/// Largest block over smallest block of one allocator, minus 1.
double spread_of(const std::vector<double>& block_log_means) {
  const auto [low, high] = std::minmax_element(block_log_means.begin(), block_log_means.end());
  return std::exp(*high - *low) - 1;
}

std::size_t samples_in(Blocks blocks, std::size_t count) {
  std::size_t samples = 0;
  for (std::size_t k = 0; k < count; ++k) samples += blocks[k].size();
  return samples;
}

/// Of the paired blocks, by allocator.
std::size_t fewest_samples(Blocks a_blocks, Blocks b_blocks) {
  const std::size_t pairs = std::min(a_blocks.size(), b_blocks.size());
  return std::min(samples_in(a_blocks, pairs), samples_in(b_blocks, pairs));
}

}  // namespace

std::string_view name_of(PairVerdict verdict) { return kVerdicts.name(verdict); }

std::optional<PairedComparison> compare_paired(Blocks a_blocks, Blocks b_blocks) {
  if (!all_positive(a_blocks) || !all_positive(b_blocks)) return std::nullopt;

  std::vector<double> differences, a_means, b_means;
  double sampling_variance = 0, degrees = 0;
  std::size_t smallest_block = SIZE_MAX;
  for (std::size_t k = 0; k < std::min(a_blocks.size(), b_blocks.size()); ++k) {
    const auto a_logs = logarithms(a_blocks[k]);
    const auto b_logs = logarithms(b_blocks[k]);
    if (a_logs.empty() || b_logs.empty()) continue;
    smallest_block = std::min({smallest_block, a_logs.size(), b_logs.size()});
    a_means.push_back(*mean(a_logs));
    b_means.push_back(*mean(b_logs));
    differences.push_back(a_means.back() - b_means.back());
    for (const auto* logs : {&a_logs, &b_logs}) {
      const double deviation = standard_deviation(*logs).value_or(0);
      sampling_variance += deviation * deviation / static_cast<double>(logs->size());
      degrees += static_cast<double>(logs->size() - 1);
    }
  }
  if (differences.empty()) return std::nullopt;

  const auto pairs = static_cast<double>(differences.size());
  const double log_ratio = *mean(differences);
  PairedComparison result{.ratio = std::exp(log_ratio),
                          .block_spread = std::max(spread_of(a_means), spread_of(b_means))};
  // Samples of one block share whatever disturbed the block, so the pairs, not the samples, are what counts.
  if (const auto between_pairs = mean_confidence_interval(differences)) {
    const double within_blocks = degrees >= 1 ? student_t_95(degrees) * std::sqrt(sampling_variance) / pairs : 0;
    const double half_width = std::max(within_blocks, (between_pairs->high - between_pairs->low) / 2);
    result.interval = Interval{.low = std::exp(log_ratio - half_width), .high = std::exp(log_ratio + half_width)};
  }
  if (fewest_samples(a_blocks, b_blocks) < kSamplesToDecide) return result;
  const bool spread_tells = smallest_block >= kSamplesToJudgeBlock;
  result.verdict = pair_verdict_of(result.ratio, result.interval, spread_tells ? result.block_spread : 0);
  return result;
}

PairVerdict pair_verdict_of(double ratio, const std::optional<Interval>& interval, double block_spread) {
  if (!interval) return PairVerdict::ambiguous;
  if (block_spread > kUnstableSpread && block_spread > std::abs(ratio - 1)) return PairVerdict::unstable;
  if (interval->low >= 1 - kSameWithin && interval->high <= 1 + kSameWithin) return PairVerdict::same;
  if (interval->high < 1 - kSameWithin) return PairVerdict::faster;
  if (interval->low > 1 + kSameWithin) return PairVerdict::slower;
  return PairVerdict::ambiguous;
}

}  // namespace symmbench
