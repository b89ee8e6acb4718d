#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace symmbench {

/// How values are spread, in bounded memory however many there are: each of them while they are few, then how many
/// fell into each class of values, 32 to a power of two. What is asked of classes is interpolated and off by no more than
/// half a class, 1.1 %. Largest and count are always exact.
class Spread {
 public:
  static constexpr std::size_t kExact = 512;     ///< values that are kept one by one
  static constexpr std::size_t kFew = 16;        ///< that coarsen() leaves alone
  using Classes = std::map<int, std::uint64_t>;  ///< how many, by class_of()

  Spread() = default;
  Spread(double value) { add(value); }  // NOLINT(google-explicit-constructor): a single value is a spread

  void add(double value);
  void add(const Spread& other);
  /// Keeps classes only, unless there are no more than kFew values: small enough for a record.
  void coarsen();

  std::uint64_t count() const { return count_; }
  double max() const { return max_; }  ///< 0 without values
  /// Nearest rank, as percentile() of statistics.hpp, with its samples_for_percentile().
  std::optional<double> percentile(double percent) const;
  /// The middle one, or the mean of the two in the middle. @pre count() > 0
  double median() const;

  /// As it is kept: one of the two is empty.
  const std::vector<double>& values() const { return values_; }
  const Classes& classes() const { return classes_; }
  /// What classes() and max() were of another one.
  static Spread of_classes(Classes classes, double max);

 private:
  void add_to_class(double value, std::uint64_t times);
  void use_classes();
  /// Of so many that are smaller.
  double at_rank(std::uint64_t rank) const;

  std::vector<double> values_;
  Classes classes_;
  std::uint64_t count_ = 0;
  double max_ = 0;
};

/// Spreads that follow each other in time as so many parts of (nearly) the same count, in order; those that are not
/// divided. Empty ones are left out.
std::vector<Spread> in_parts(const std::vector<const Spread*>& in_order, std::size_t parts);

}  // namespace symmbench
