#pragma once
#include <chrono>

#include "core/clock.hpp"

namespace symmbench {

/// Whether sched_yield() serves who waits for something that is about to happen, from how long it took. On a core that
/// nobody else wants it comes back at once. On one that others want all of it comes back after their time slices, tens
/// of milliseconds; who sleeps a moment instead is woken before them, having used little.
class YieldWatch {
 public:
  bool serves(Clock::time_point now) const { return now >= crowded_until_; }
  void took(Clock::time_point before, Clock::time_point after) {
    if (after - before > kLate) crowded_until_ = after + kRemembered;
  }

  static constexpr std::chrono::microseconds kLate{200};
  static constexpr std::chrono::milliseconds kRemembered{500};

 private:
  Clock::time_point crowded_until_{};
};

/// Lets other threads run: yields where that serves this thread, else sleeps for a moment.
void give_way();

}  // namespace symmbench
