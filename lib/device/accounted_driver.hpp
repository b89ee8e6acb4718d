#pragma once
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "device/driver_decorator.hpp"

namespace symmbench {

/// What this process has been given by a driver and has not given back.
struct Holdings {
  std::int64_t device_bytes = 0;  ///< of its own: physical memory until released *and* unmapped, and local memory
  std::int64_t va_bytes = 0;      ///< reserved address space
  std::int64_t va_ranges = 0;     ///< in so many pieces
  std::int64_t mappings = 0;      ///< placements of physical memory
  std::int64_t handles = 0;       ///< ids of physical memory, made or imported, and openings of peers' local memory
};

/// Keeps Holdings by the calls that succeeded. The device's free memory would tell of every process that uses it.
class DriverAccount {
 public:
  void note(const CallRecord& call);
  const Holdings& holdings() const { return holdings_; }

 private:
  struct Memory {
    std::int64_t own_bytes = 0;  ///< 0 of a peer's
    int uses = 1;                ///< the id, until released, each mapping, and being bound
  };

  void begin(const CallRecord& call, std::int64_t own_bytes);
  void drop(MemoryId id);

  Holdings holdings_;
  std::unordered_map<MemoryId, Memory> memories_;
  std::unordered_map<DevicePtr, MemoryId> mappings_;
  std::unordered_map<MemoryId, MemoryId> bound_;        ///< multicast object to memory
  std::unordered_map<DevicePtr, std::int64_t> locals_;  ///< bytes
};

/// Decorator that keeps an account. To be put right above the device, below whatever provokes faults: a call that does
/// not reach the device gives nothing back.
class AccountedDriver final : public DriverDecorator {
 public:
  /// `account` must outlive this.
  AccountedDriver(std::unique_ptr<Driver> inner, DriverAccount& account);

 private:
  void around(const CallRecord& call, const CallBody& body) override;

  DriverAccount& account_;
};

}  // namespace symmbench
