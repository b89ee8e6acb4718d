#include "stats/spread.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "stats/statistics.hpp"

namespace symmbench {
namespace {

constexpr double kPerOctave = 32;
constexpr double kSmallest = 1e-9;  // whatever is smaller shares its class

int class_of(double value) { return static_cast<int>(std::floor(std::log2(std::max(value, kSmallest)) * kPerOctave)); }
double begin_of(int index) { return std::exp2(index / kPerOctave); }

}  // namespace

void Spread::add_to_class(double value, std::uint64_t times) { classes_[class_of(value)] += times; }

void Spread::use_classes() {
  for (const double value : values_) add_to_class(value, 1);
  values_.clear();
}

void Spread::add(double value) {
  max_ = count_ == 0 ? value : std::max(max_, value);
  ++count_;
  if (!classes_.empty()) return add_to_class(value, 1);
  values_.push_back(value);
  if (values_.size() > kExact) use_classes();
}

void Spread::add(const Spread& other) {
  if (other.classes_.empty()) {
    for (const double value : other.values_) add(value);
    return;
  }
  use_classes();
  max_ = count_ == 0 ? other.max_ : std::max(max_, other.max_);
  count_ += other.count_;
  for (const auto& [index, times] : other.classes_) classes_[index] += times;
}

void Spread::coarsen() {
  if (values_.size() > kFew) use_classes();
}

double Spread::at_rank(std::uint64_t rank) const {
  if (classes_.empty()) {
    std::vector<double> sorted = values_;
    const auto at = sorted.begin() + static_cast<std::ptrdiff_t>(rank);
    std::nth_element(sorted.begin(), at, sorted.end());
    return *at;
  }
  std::uint64_t before = 0;
  for (const auto& [index, times] : classes_) {
    if (rank < before + times) {
      const double share = (static_cast<double>(rank - before) + 0.5) / static_cast<double>(times);
      return std::min(max_, begin_of(index) + share * (begin_of(index + 1) - begin_of(index)));
    }
    before += times;
  }
  return max_;
}

std::optional<double> Spread::percentile(double percent) const {
  if (count_ < samples_for_percentile(percent)) return std::nullopt;
  const auto rank = static_cast<std::uint64_t>(std::ceil(static_cast<double>(count_) * percent / 100));
  return at_rank(std::clamp<std::uint64_t>(rank, 1, count_) - 1);
}

double Spread::median() const {
  const double upper = at_rank(count_ / 2);
  return count_ % 2 == 1 ? upper : (at_rank(count_ / 2 - 1) + upper) / 2;
}

Spread Spread::of_classes(Classes classes, double max) {
  Spread spread;
  spread.classes_ = std::move(classes);
  spread.max_ = max;
  for (const auto& [index, times] : spread.classes_) spread.count_ += times;
  return spread;
}

std::vector<Spread> in_parts(const std::vector<const Spread*>& in_order, std::size_t parts) {
  const auto total = std::accumulate(in_order.begin(), in_order.end(), std::uint64_t{0},
                                     [](std::uint64_t sum, const Spread* one) { return sum + one->count(); });
  std::vector<Spread> result(parts);
  std::uint64_t before = 0;
  for (const Spread* one : in_order) {
    if (one->count() == 0) continue;
    std::size_t part = 0;  // the one whose share `before` falls into
    while (part + 1 < parts && before >= total * (part + 1) / parts) ++part;
    result[part].add(*one);
    before += one->count();
  }
  std::erase_if(result, [](const Spread& part) { return part.count() == 0; });
  return result;
}

}  // namespace symmbench
