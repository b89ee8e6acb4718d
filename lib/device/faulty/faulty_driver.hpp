#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "device/driver.hpp"
#include "device/driver_call.hpp"

namespace symmbench {

/// Calls `nth` ... `nth + times - 1` (counted from 1) of one driver function fail with a CUDA result code.
struct DriverFault {
  DriverCall call = DriverCall::create;
  std::uint64_t nth = 1;
  int code = driver_code::kOutOfMemory;
  std::uint64_t times = 1;
};

/// Decorator that makes chosen calls fail *instead of* reaching the device; all others pass through unchanged.
class FaultyDriver final : public Driver {
 public:
  FaultyDriver(std::unique_ptr<Driver> inner, std::vector<DriverFault> faults);

  /// How many calls were made to fail so far: a test can tell a fault that was never met.
  std::uint64_t injected() const { return injected_; }

  DeviceFacts facts() override;
  MemoryInfo memory_info() override;
  std::uint64_t granularity(const AllocationSpec& spec, Granularity which) override;
  MemoryId create(std::uint64_t bytes, const AllocationSpec& spec) override;
  void release(MemoryId id) override;
  ShareableHandle export_handle(MemoryId id) override;
  MemoryId import_handle(const ShareableHandle& handle) override;
  DevicePtr reserve(std::uint64_t bytes, std::uint64_t alignment) override;
  void free_range(DevicePtr address, std::uint64_t bytes) override;
  void map(DevicePtr address, std::uint64_t bytes, MemoryId id) override;
  void unmap(DevicePtr address, std::uint64_t bytes) override;
  void set_access(DevicePtr address, std::uint64_t bytes) override;
  DevicePtr allocate_local(std::uint64_t bytes) override;
  void free_local(DevicePtr address) override;
  DevicePtr register_host(void* memory, std::uint64_t bytes) override;
  std::unique_ptr<Stream> make_stream() override;

 private:
  /// The inner driver, or the fault that is due.
  Driver& reach(DriverCall call);

  std::unique_ptr<Driver> inner_;
  std::vector<DriverFault> faults_;
  std::array<std::uint64_t, kDriverCalls> calls_{};
  std::uint64_t injected_ = 0;
};

}  // namespace symmbench
