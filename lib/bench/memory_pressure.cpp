#include "bench/memory_pressure.hpp"

#include "memory/keep_going.hpp"

namespace symmbench {
namespace {

/// A device may show less as taken than it gave (the emulated one shows its host's memory until pages are touched).
constexpr int kMostBlocks = 64;

}  // namespace

MemoryPressure::MemoryPressure(Driver& driver, std::uint64_t left_bytes) {
  if (!driver.facts().posix_fd_supported) return;
  const std::uint64_t granule = driver.granularity({}, Granularity::recommended);
  for (int blocks = 0; blocks < kMostBlocks; ++blocks) {
    const std::uint64_t free_bytes = driver.memory_info().free_bytes;
    if (free_bytes < left_bytes + granule) return;
    held_.push_back(PhysicalMemory::create(driver, (free_bytes - left_bytes) / granule * granule, {}));
  }
}

void MemoryPressure::release() {
  KeepGoing keep_going;
  for (auto& block : held_) keep_going([&] { block.close(); });
  held_.clear();
  keep_going.rethrow();
}

}  // namespace symmbench
