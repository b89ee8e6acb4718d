#pragma once
#include <cstdint>

#include "device/driver.hpp"

namespace symmbench {

/// Owns device memory of this rank alone: control blocks, pointer tables, inputs, outputs. Contents start undefined.
/// Move-only; close() throws when the driver refuses, the destructor reports on stderr and never throws.
class LocalBuffer {
 public:
  LocalBuffer() = default;
  /// 256-byte aligned. @throws Error{driver, ...} as Driver::allocate_local
  LocalBuffer(Driver& driver, std::uint64_t bytes);
  LocalBuffer(LocalBuffer&& other) noexcept;
  LocalBuffer& operator=(LocalBuffer&& other) noexcept;
  ~LocalBuffer();

  void close();

  DevicePtr address() const { return address_; }
  std::uint64_t bytes() const { return bytes_; }
  explicit operator bool() const { return address_ != 0; }

 private:
  Driver* driver_ = nullptr;
  DevicePtr address_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace symmbench
