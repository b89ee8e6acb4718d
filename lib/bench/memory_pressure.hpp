#pragma once
#include <cstdint>
#include <vector>

#include "device/driver.hpp"
#include "memory/vmm.hpp"

namespace symmbench {

/// Holds so much of this rank's device memory that about `left_bytes` of it are free: as much or up to a granule more,
/// or what is free anyway where that is less. Memory that others use on the same device is not touched, but what they
/// could have had is taken. Of a device without shareable memory it takes none.
class MemoryPressure {
 public:
  /// @throws Error{driver, ...} when the driver refuses what it said was free
  MemoryPressure(Driver& driver, std::uint64_t left_bytes);
  /// Gives it back. @throws Error{driver, ...}
  void release();

 private:
  std::vector<PhysicalMemory> held_;
};

}  // namespace symmbench
