#include "device/observed_driver.hpp"

#include <algorithm>
#include <utility>

#include "core/clock.hpp"

namespace symmbench {

ObservedDriver::ObservedDriver(std::unique_ptr<Driver> inner, DriverObserver* observer)
    : DriverDecorator(std::move(inner)), observer_(observer) {}

void ObservedDriver::around(const CallRecord& call, const CallBody& body) {
  if (observer_ != nullptr) observer_->calling(name_of(call.call));
  const auto start = Clock::now();
  const auto ended = [&](bool failed) {
    Tally& tally = tallies_[static_cast<std::size_t>(call.call)];
    tally.total_us += microseconds_since(start);
    ++tally.count;
    if (failed) ++tally.failures;
    if (observer_ != nullptr) observer_->returned(name_of(call.call), failed);
  };
  try {
    body();
  } catch (...) {
    ended(true);
    throw;
  }
  ended(false);
}

std::vector<CallCount> ObservedDriver::counts() const {
  std::vector<CallCount> result;
  for (std::size_t i = 0; i < kDriverCalls; ++i) {
    const Tally& tally = tallies_[i];
    if (tally.count == 0) continue;
    result.push_back({.call = std::string(name_of(static_cast<DriverCall>(i))),
                      .count = tally.count,
                      .failures = tally.failures,
                      .total_us = tally.total_us});
  }
  return result;
}

std::vector<CallCount> calls_between(std::span<const CallCount> before, std::span<const CallCount> after) {
  std::vector<CallCount> result;
  for (CallCount now : after) {
    const auto then = std::find_if(before.begin(), before.end(), [&](const auto& row) { return row.call == now.call; });
    if (then != before.end()) {
      now.count -= then->count;
      now.failures -= then->failures;
      now.total_us -= then->total_us;
    }
    if (now.count != 0) result.push_back(std::move(now));
  }
  return result;
}

}  // namespace symmbench
