#include "device/observed_driver.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "core/clock.hpp"
#include "device/stream.hpp"

namespace symmbench {

/// Spans one call.
class ObservedDriver::Watch {
 public:
  Watch(ObservedDriver& driver, DriverCall call) : driver_(driver), call_(call) {
    if (driver_.observer_ != nullptr) driver_.observer_->calling(name_of(call_));
    start_ = Clock::now();
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() {
    const bool failed = std::uncaught_exceptions() > uncaught_before_;
    Tally& tally = driver_.tallies_[static_cast<std::size_t>(call_)];
    tally.total_us += microseconds_since(start_);
    ++tally.count;
    if (failed) ++tally.failures;
    if (driver_.observer_ != nullptr) driver_.observer_->returned(name_of(call_), failed);
  }

 private:
  ObservedDriver& driver_;
  DriverCall call_;
  int uncaught_before_ = std::uncaught_exceptions();  // more than 0 when called from a destructor during unwinding
  Clock::time_point start_;
};

ObservedDriver::ObservedDriver(std::unique_ptr<Driver> inner, DriverObserver* observer)
    : inner_(std::move(inner)), observer_(observer) {}

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

DeviceFacts ObservedDriver::facts() {
  const Watch watch(*this, DriverCall::facts);
  return inner_->facts();
}
MemoryInfo ObservedDriver::memory_info() {
  const Watch watch(*this, DriverCall::memory_info);
  return inner_->memory_info();
}
std::uint64_t ObservedDriver::granularity(const AllocationSpec& spec, Granularity which) {
  const Watch watch(*this, DriverCall::granularity);
  return inner_->granularity(spec, which);
}
MemoryId ObservedDriver::create(std::uint64_t bytes, const AllocationSpec& spec) {
  const Watch watch(*this, DriverCall::create);
  return inner_->create(bytes, spec);
}
void ObservedDriver::release(MemoryId id) {
  const Watch watch(*this, DriverCall::release);
  inner_->release(id);
}
ShareableHandle ObservedDriver::export_handle(MemoryId id) {
  const Watch watch(*this, DriverCall::export_handle);
  return inner_->export_handle(id);
}
MemoryId ObservedDriver::import_handle(const ShareableHandle& handle) {
  const Watch watch(*this, DriverCall::import_handle);
  return inner_->import_handle(handle);
}
DevicePtr ObservedDriver::reserve(std::uint64_t bytes, std::uint64_t alignment) {
  const Watch watch(*this, DriverCall::reserve);
  return inner_->reserve(bytes, alignment);
}
void ObservedDriver::free_range(DevicePtr address, std::uint64_t bytes) {
  const Watch watch(*this, DriverCall::free_range);
  inner_->free_range(address, bytes);
}
void ObservedDriver::map(DevicePtr address, std::uint64_t bytes, MemoryId id) {
  const Watch watch(*this, DriverCall::map);
  inner_->map(address, bytes, id);
}
void ObservedDriver::unmap(DevicePtr address, std::uint64_t bytes) {
  const Watch watch(*this, DriverCall::unmap);
  inner_->unmap(address, bytes);
}
void ObservedDriver::set_access(DevicePtr address, std::uint64_t bytes) {
  const Watch watch(*this, DriverCall::set_access);
  inner_->set_access(address, bytes);
}
DevicePtr ObservedDriver::allocate_local(std::uint64_t bytes) {
  const Watch watch(*this, DriverCall::allocate_local);
  return inner_->allocate_local(bytes);
}
void ObservedDriver::free_local(DevicePtr address) {
  const Watch watch(*this, DriverCall::free_local);
  inner_->free_local(address);
}
DevicePtr ObservedDriver::register_host(void* memory, std::uint64_t bytes) {
  const Watch watch(*this, DriverCall::register_host);
  return inner_->register_host(memory, bytes);
}
std::unique_ptr<Stream> ObservedDriver::make_stream() {
  const Watch watch(*this, DriverCall::make_stream);
  return inner_->make_stream();
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
