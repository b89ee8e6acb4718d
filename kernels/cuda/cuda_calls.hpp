#pragma once
#include <optional>
#include <string>

#include "device/stream.hpp"

namespace symmbench {

/// What every launch from host code needs: the stream as CUDA knows it, and failures told as Error{kernel, ...}.
class CudaCalls {
 public:
  explicit CudaCalls(int ordinal) : ordinal_(ordinal) {}

  /// The cudaStream_t, its device current in this thread. @throws Error{kernel, invalid_argument} for a stream of
  /// another device
  void* native(Stream& stream) const;

  /// Nothing for cudaSuccess; `what()` says what was launched.
  template <class What>
  void check(int result, What&& what) const {
    if (result != 0) failed(result, what());
  }

  [[noreturn]] static void refuse(std::string call, std::string detail);

 private:
  [[noreturn]] void failed(int result, const std::string& what) const;

  int ordinal_;
};

}  // namespace symmbench
