#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "device/driver_decorator.hpp"

namespace symmbench {

/// A call as it was made.
struct TracedCall {
  std::string call;  ///< the CUDA driver's name
  std::uint64_t bytes = 0;
  std::string handle;  ///< type of the memory or handle; empty where the call has none
  int code = 0;        ///< the driver's result; -1: failed without one
  double us = 0;
};

/// Decorator that keeps every call in order, whichever allocator makes it, up to `most`. Calls of streams are left out.
class TracedDriver final : public DriverDecorator {
 public:
  TracedDriver(std::unique_ptr<Driver> inner, std::size_t most);

  const std::vector<TracedCall>& calls() const { return calls_; }
  std::size_t left_out() const { return left_out_; }

 private:
  void around(const CallRecord& call, const CallBody& body) override;

  std::size_t most_, left_out_ = 0;
  std::vector<TracedCall> calls_;
};

}  // namespace symmbench
