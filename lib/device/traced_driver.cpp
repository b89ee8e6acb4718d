#include "device/traced_driver.hpp"

#include <utility>

#include "core/clock.hpp"

namespace symmbench {

TracedDriver::TracedDriver(std::unique_ptr<Driver> inner, std::size_t most)
    : DriverDecorator(std::move(inner)), most_(most) {}

void TracedDriver::around(const CallRecord& call, const CallBody& body) {
  const auto start = Clock::now();
  const auto keep = [&] {
    if (calls_.size() == most_) {
      ++left_out_;
      return;
    }
    // create and granularity say the type in what they were given.
    const bool specified = call.call == DriverCall::create || call.call == DriverCall::granularity;
    const auto handle = specified ? std::optional(call.spec.handle) : call.handle;
    calls_.push_back({.call = std::string(name_of(call.call)),
                      .allocator = allocator_,
                      .phase = phase_,
                      .bytes = call.bytes,
                      .handle = handle ? std::string(name_of(*handle)) : std::string(),
                      .code = call.failure ? call.failure->code.value_or(-1) : 0,
                      .us = microseconds_since(start)});
  };
  try {
    body();
  } catch (...) {
    keep();
    throw;
  }
  keep();
}

}  // namespace symmbench
