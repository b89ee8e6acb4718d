#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "device/driver_decorator.hpp"

namespace symmbench {

/// Calls `nth` ... `nth + times - 1` (counted from 1) of one function of the driver, its streams or their graphs fail
/// with a CUDA result code, are lost, or go wrong. Only those count that `when` and `word` let through.
struct DriverFault {
  DriverCall call = DriverCall::create;
  std::uint64_t nth = 1;
  int code = driver_code::kOutOfMemory;
  std::uint64_t times = 1;
  bool lost = false;  ///< instead of failing, the call says that it succeeded and does nothing; of calls without result
  /// Instead of failing, a fill is followed by one of its second word with another value.
  bool garbled = false;
  std::function<bool()> when = nullptr;              ///< asked at each call; empty: always
  std::optional<std::uint32_t> word = std::nullopt;  ///< of fills, those with this pattern
  std::shared_ptr<std::uint64_t> struck = nullptr;   ///< counts how often it struck; may be null
};

/// Decorator that makes chosen calls fail, or do nothing, *instead of* reaching the device; all others pass through unchanged.
class FaultyDriver final : public DriverDecorator {
 public:
  FaultyDriver(std::unique_ptr<Driver> inner, std::vector<DriverFault> faults);

  /// How many calls were struck so far: a test can tell a fault that was never met.
  std::uint64_t injected() const { return injected_; }

 private:
  class FaultyStream;

  void around(const CallRecord& call, const CallBody& body) override { pass(call, body, nullptr); }
  /// `stream`: below the decorators, for a call of one.
  void pass(const CallRecord& call, const CallBody& body, Stream* stream);
  std::unique_ptr<Stream> decorate(std::unique_ptr<Stream> stream) override;

  struct Planned {
    DriverFault fault;
    std::uint64_t met = 0;  ///< calls that counted
  };
  /// The first fault that strikes this call, all of which count it; nullptr: none.
  const Planned* next(const CallRecord& call);

  std::vector<Planned> planned_;
  std::uint64_t injected_ = 0;
};

}  // namespace symmbench
