#include "stats/pooled_variance.hpp"

#include <utility>
#include <vector>

#include "stats/statistics.hpp"

namespace symmbench {
namespace {

constexpr std::size_t kSizesToPool = 3;

}  // namespace

std::map<std::size_t, double> common_variances(std::span<const SeriesVariance> cases) {
  std::map<std::size_t, std::vector<double>> by_series;
  for (const auto& [series, variance] : cases) by_series[series].push_back(variance);
  std::map<std::size_t, double> common;
  for (auto& [series, variances] : by_series) {
    if (variances.size() >= kSizesToPool) common[series] = median(std::move(variances));
  }
  return common;
}

}  // namespace symmbench
