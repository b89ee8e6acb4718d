#include "stats/multiplicity.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace symmbench {

std::vector<double> holm_limits(std::span<const double> chances, double level) {
  std::vector<std::size_t> order(chances.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return chances[a] < chances[b]; });
  std::vector<double> limits(chances.size());
  std::size_t passed = 0;
  for (const std::size_t at : order) {
    limits[at] = level / static_cast<double>(order.size() - passed);
    if (chances[at] < limits[at]) ++passed;
  }
  return limits;
}

}  // namespace symmbench
