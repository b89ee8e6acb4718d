#include "stats/proportion.hpp"

#include <algorithm>
#include <cmath>

namespace symmbench {
namespace {

double log_choose(std::uint64_t n, std::uint64_t k) {
  const auto log_factorial = [](std::uint64_t value) { return std::lgamma(static_cast<double>(value) + 1); };
  return log_factorial(n) - log_factorial(k) - log_factorial(n - k);
}

}  // namespace

Interval chance_interval(const Proportion& seen) {
  constexpr double kZ = 1.959964;  // of 95 %
  const auto n = static_cast<double>(seen.tries);
  const double share = static_cast<double>(seen.hits) / n;
  const double scale = 1 + kZ * kZ / n;
  const double middle = (share + kZ * kZ / (2 * n)) / scale;
  const double half = kZ / scale * std::sqrt(share * (1 - share) / n + kZ * kZ / (4 * n * n));
  return {.low = seen.hits == 0 ? 0 : std::max(0.0, middle - half),
          .high = seen.hits == seen.tries ? 1 : std::min(1.0, middle + half)};
}

double equal_chances(const Proportion& a, const Proportion& b) {
  if (a.tries == 0 || b.tries == 0) return 1;
  const std::uint64_t hits = a.hits + b.hits, tries = a.tries + b.tries;
  // Of all ways to spread the hits over both, with the tries as they are.
  const auto log_chance = [&](std::uint64_t of_a) {
    return log_choose(a.tries, of_a) + log_choose(b.tries, hits - of_a) - log_choose(tries, hits);
  };
  constexpr double kSameChance = 1e-7;  // of rounding
  const double limit = log_chance(a.hits) + kSameChance;
  double total = 0;
  for (std::uint64_t of_a = hits > b.tries ? hits - b.tries : 0; of_a <= std::min(hits, a.tries); ++of_a) {
    if (const double each = log_chance(of_a); each <= limit) total += std::exp(each);
  }
  return std::min(1.0, total);
}

}  // namespace symmbench
