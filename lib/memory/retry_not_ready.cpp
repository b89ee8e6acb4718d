#include "memory/retry_not_ready.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "device/driver.hpp"

namespace symmbench {
namespace {

constexpr int kMostTries = 5;
constexpr std::chrono::nanoseconds kFirstWait = std::chrono::milliseconds(50);
constexpr int kShareOfStep = 8;  ///< one wait takes at most this part of a step's time

/// Every rank sees the same failures, so all go on or none does.
bool is_not_ready(const PhaseFailed& failed) {
  const auto& failures = failed.failures();
  return std::all_of(failures.begin(), failures.end(), [](const Failure& failure) {
    return failure.layer == Layer::driver && failure.code == driver_code::kNotReady;
  });
}

}  // namespace

void retry_not_ready(const PhaseContext& context, const std::function<void()>& step,
                     const std::function<void(const Failure&)>& retried) {
  std::chrono::nanoseconds wait = kFirstWait;
  for (int tries = 1;; ++tries, wait *= 2) {
    try {
      return step();
    } catch (const PhaseFailed& failed) {
      if (tries == kMostTries || !is_not_ready(failed)) throw;
      if (retried) retried(failed.failure());
    }
    collective_phase(context, Phase::create,
                     [&] { std::this_thread::sleep_for(std::min(wait, context.comm.step_timeout() / kShareOfStep)); });
  }
}

}  // namespace symmbench
