#include "supervise/observation.hpp"

#include <algorithm>

namespace symmbench {
namespace {

/// Clocks that nobody disciplines drift apart by less.
constexpr double kDrift = 2e-4;

/// `time` + `span`, where the ends of the scale stay what they are.
Clock::time_point moved(Clock::time_point time, Clock::duration span) {
  const bool end = time == Clock::time_point::min() || time == Clock::time_point::max();
  return end ? time : time + span;
}

}  // namespace

Json to_json(const Observation& seen) {
  return {{"after_ns", seen.after.time_since_epoch().count()}, {"by_ns", seen.by.time_since_epoch().count()}};
}

Observation observation_from(const Json& json) {
  const auto time = [&](const char* key) { return Clock::time_point(Clock::duration(json.at(key).get<Clock::rep>())); };
  return {.after = time("after_ns"), .by = time("by_ns")};
}

void ClockBounds::age(Clock::time_point now) {
  const Clock::duration drift((std::max)(now - aged_, Clock::duration(0)));
  const auto widened = std::chrono::duration_cast<Clock::duration>(drift * kDrift);
  if (least_) *least_ -= widened;
  if (most_) *most_ += widened;
  aged_ = now;
}

void ClockBounds::heard(Clock::time_point theirs, Clock::time_point now) {
  age(now);
  most_ = std::min(most_.value_or(Clock::duration::max()), now - theirs);
}

void ClockBounds::echoed(Clock::time_point ours, Clock::time_point theirs, Clock::time_point now) {
  age(now);
  least_ = std::max(least_.value_or(Clock::duration::min()), ours - theirs);
}

Observation ClockBounds::here(const Observation& theirs, Clock::time_point now) const {
  Observation seen{.by = now};  // it was told of, so it had happened
  if (same_) {
    seen = theirs;
  } else {
    if (least_) seen.after = moved(theirs.after, *least_);
    if (most_) seen.by = moved(theirs.by, *most_);
  }
  seen.by = std::min(seen.by, now);
  return seen;
}

}  // namespace symmbench
