#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "device/driver_call.hpp"
#include "device/driver_decorator.hpp"

namespace symmbench {

/// Told about each driver call, on the calling thread, before and after it: a call that hangs is the one that has been
/// announced and has not returned.
class DriverObserver {
 public:
  virtual ~DriverObserver() = default;
  /// `call` is the CUDA driver's name, valid until the program ends.
  virtual void calling(std::string_view call) = 0;
  virtual void returned(std::string_view call, bool failed) = 0;
};

/// What one driver function was used for so far.
struct CallCount {
  std::string call;  ///< "cuMemCreate"
  std::uint64_t count = 0;
  std::uint64_t failures = 0;  ///< of `count`, those that threw
  double total_us = 0;
};

/// Decorator that counts and times every call and tells an observer. Streams are handed on as they are: their calls are
/// part of what is timed.
class ObservedDriver final : public DriverDecorator {
 public:
  /// `observer` may be null and must outlive this.
  explicit ObservedDriver(std::unique_ptr<Driver> inner, DriverObserver* observer = nullptr);

  /// The functions called at least once, in the order of Driver.
  std::vector<CallCount> counts() const;

 private:
  struct Tally {
    std::uint64_t count = 0, failures = 0;
    double total_us = 0;
  };

  void around(const CallRecord& call, const CallBody& body) override;

  DriverObserver* observer_;
  std::array<Tally, kDriverCalls> tallies_{};
};

/// What was called between two snapshots of counts(): functions without a call in between are left out.
std::vector<CallCount> calls_between(std::span<const CallCount> before, std::span<const CallCount> after);

}  // namespace symmbench
