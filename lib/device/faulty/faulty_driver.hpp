#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "device/driver_decorator.hpp"

namespace symmbench {

/// Calls `nth` ... `nth + times - 1` (counted from 1) of one function of the driver, its streams or their graphs fail
/// with a CUDA result code, or are lost.
struct DriverFault {
  DriverCall call = DriverCall::create;
  std::uint64_t nth = 1;
  int code = driver_code::kOutOfMemory;
  std::uint64_t times = 1;
  bool lost = false;  ///< instead of failing, the call says that it succeeded and does nothing; of calls without result
  std::shared_ptr<std::uint64_t> struck = nullptr;  ///< counts how often it struck; may be null
};

/// Decorator that makes chosen calls fail, or do nothing, *instead of* reaching the device; all others pass through unchanged.
class FaultyDriver final : public DriverDecorator {
 public:
  FaultyDriver(std::unique_ptr<Driver> inner, std::vector<DriverFault> faults);

  /// How many calls were struck so far: a test can tell a fault that was never met.
  std::uint64_t injected() const { return injected_; }

 private:
  class FaultyStream;

  void around(const CallRecord& call, const CallBody& body) override;
  std::unique_ptr<Stream> decorate(std::unique_ptr<Stream> stream) override;

  std::vector<DriverFault> faults_;
  std::array<std::uint64_t, kDriverCalls> calls_{};
  std::uint64_t injected_ = 0;
};

}  // namespace symmbench
