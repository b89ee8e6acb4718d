#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "device/driver_decorator.hpp"

namespace symmbench {

/// A call as it was made.
struct TracedCall {
  std::string call;       ///< the CUDA driver's name
  std::string allocator;  ///< whose call it is; empty: of none
  std::string phase;      ///< in which it was made; empty: in none
  std::uint64_t bytes = 0;
  std::string handle;  ///< type of the memory or handle; empty where the call has none
  int code = 0;        ///< the driver's result; -1: failed without one
  double us = 0;
};

/// Decorator that keeps every call in order, whichever allocator makes it, up to `most`. Calls of streams are left out.
class TracedDriver final : public DriverDecorator {
 public:
  TracedDriver(std::unique_ptr<Driver> inner, std::size_t most);

  /// Of calls from now on: whose they are, and in which phase they are made. Empty: nobody's, in none.
  void made_for(std::string_view allocator) { allocator_ = allocator; }
  void made_in(std::string_view phase) { phase_ = phase; }

  const std::vector<TracedCall>& calls() const { return calls_; }
  std::size_t left_out() const { return left_out_; }

 private:
  void around(const CallRecord& call, const CallBody& body) override;

  std::size_t most_, left_out_ = 0;
  std::string allocator_, phase_;
  std::vector<TracedCall> calls_;
};

}  // namespace symmbench
