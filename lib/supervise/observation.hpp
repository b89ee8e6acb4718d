#pragma once
#include <optional>

#include "core/clock.hpp"
#include "core/json.hpp"

namespace symmbench {

/// When something happened, as far as whoever saw it can tell: after `after`, when it looked and it had not, and by `by`,
/// when it looked again and it had. By default nothing is known.
struct Observation {
  Clock::time_point after = Clock::time_point::min(), by = Clock::time_point::max();
};

/// Whether `a` came before `b` for certain. Neither before the other: their order is not known.
inline bool precedes(const Observation& a, const Observation& b) { return a.by < b.after; }

/// {after_ns, by_ns} of the clock of whoever saw it.
Json to_json(const Observation& seen);
/// @throws Json::exception for one that cannot be read
Observation observation_from(const Json& json);

/// What is known of how far the steady clock of another process is from this one's. Clocks of one booted system are the
/// same; of others only the messages between them tell: none arrives before it was sent.
class ClockBounds {
 public:
  void same_clock() { same_ = true; }
  /// A message that it sent at `theirs` of its clock has arrived, at `now`.
  void heard(Clock::time_point theirs, Clock::time_point now);
  /// One that was sent to it at `ours` arrived there at `theirs` of its clock; heard of at `now`.
  void echoed(Clock::time_point ours, Clock::time_point theirs, Clock::time_point now);
  /// Its observation, which was heard of at `now`, on this clock: wider by what is not known of its clock.
  Observation here(const Observation& theirs, Clock::time_point now) const;

 private:
  void age(Clock::time_point now);

  bool same_ = false;
  std::optional<Clock::duration> least_, most_;  ///< of this clock minus the other one
  Clock::time_point aged_{};                     ///< when the bounds were last widened by what clocks drift apart
};

}  // namespace symmbench
