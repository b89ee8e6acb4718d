#include "core/give_way.hpp"

#include <sched.h>
#include <time.h>

namespace symmbench {

void give_way() {
  thread_local YieldWatch watch;
  const auto before = Clock::now();
  if (watch.serves(before)) {
    sched_yield();
    watch.took(before, Clock::now());
    return;
  }
  constexpr timespec kMoment{.tv_sec = 0, .tv_nsec = 20'000};
  ::nanosleep(&kMoment, nullptr);
}

}  // namespace symmbench
