#pragma once
#include <chrono>
#include <string>

namespace symmbench {

using Clock = std::chrono::steady_clock;

/// A point in time by which a wait must end. Every wait in the tool takes one.
class Deadline {
 public:
  static Deadline in(std::chrono::nanoseconds span) { return Deadline{Clock::now() + span}; }
  static Deadline in_seconds(double seconds) {
    return in(std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9)));
  }
  bool expired() const { return Clock::now() >= at_; }
  Clock::time_point at() const { return at_; }
  std::chrono::nanoseconds left() const {
    const auto span = at_ - Clock::now();
    return span.count() > 0 ? span : std::chrono::nanoseconds(0);
  }
  /// Milliseconds left, rounded up and never negative: the argument of poll(2).
  int left_ms() const {
    return static_cast<int>((left().count() + 999'999) / 1'000'000 > 1 << 30 ? 1 << 30
                                                                             : (left().count() + 999'999) / 1'000'000);
  }

 private:
  explicit Deadline(Clock::time_point at) : at_(at) {}
  Clock::time_point at_;
};

/// Whole nanoseconds of `seconds`; what is beyond some 292 years counts as that.
constexpr std::chrono::nanoseconds nanoseconds_of(double seconds) {
  return std::chrono::nanoseconds(static_cast<std::int64_t>(seconds < 9.2e9 ? seconds * 1e9 : 9.2e18));
}

inline double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

/// Now, as RFC 3339 in UTC with milliseconds: "2026-01-31T23:59:59.123Z".
std::string utc_timestamp();

}  // namespace symmbench
