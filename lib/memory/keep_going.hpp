#pragma once
#include <exception>

namespace symmbench {

/// Runs each step of a teardown whatever the others did, and keeps the first failure.
class KeepGoing {
 public:
  template <class Step>
  void operator()(const Step& step) {
    try {
      step();
    } catch (const std::exception&) {
      if (!first_) first_ = std::current_exception();
    }
  }
  /// @throws the first failure, if there was one
  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::exception_ptr first_;
};

}  // namespace symmbench
