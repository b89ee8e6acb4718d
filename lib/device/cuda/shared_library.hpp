#pragma once
#include <string>

#include "device/recorded_facts.hpp"

namespace symmbench {

inline constexpr const char* kCudaLibrary = "libcuda.so.1";

/// A library opened at run time. Never closed: the drivers behind libcuda and libnvidia-ml keep threads and exit
/// handlers in it.
class SharedLibrary {
 public:
  /// Check with operator bool; error() says why it could not be opened.
  explicit SharedLibrary(std::string name);

  explicit operator bool() const { return handle_ != nullptr; }
  const std::string& name() const { return name_; }
  const std::string& error() const { return error_; }
  /// Which file that is, and its version where the file's name has one beyond the name asked for
  /// ("libcuda.so.580.95.05"). Never throws; a file system that does not answer is a reason.
  LibraryFacts facts() const;

  /// nullptr when the library has no such symbol. F is a function pointer type.
  template <class F>
  F symbol(const char* symbol_name) const {
    return reinterpret_cast<F>(find(symbol_name));
  }

 private:
  void* find(const char* symbol_name) const;

  std::string name_;
  void* handle_ = nullptr;
  std::string error_;
};

}  // namespace symmbench
