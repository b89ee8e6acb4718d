#include "supervise/idle_wait.hpp"

#include <poll.h>
#include <signal.h>

#include "core/give_way.hpp"

namespace symmbench {
namespace {

constexpr std::chrono::microseconds kSpin{500};
constexpr std::chrono::milliseconds kShortNaps{50};
constexpr long kShortNap_ns = 100'000;
constexpr long kNap_ns = 1'000'000;

}  // namespace

void idle_wait(const WorkerKeeper& keeper, bool busy, Clock::time_point last_event) {
  const auto quiet = Clock::now() - last_event;
  if (busy && quiet < kSpin) {
    give_way();
    return;
  }
  pollfd worker{.fd = keeper.fd(), .events = POLLIN, .revents = 0};
  if (keeper.wants_write()) worker.events |= POLLOUT;
  const timespec nap{.tv_sec = 0, .tv_nsec = busy && quiet < kShortNaps ? kShortNap_ns : kNap_ns};
  ppoll(&worker, 1, &nap, nullptr);  // a signal ends it early, which is all that is wanted of it
}

}  // namespace symmbench
