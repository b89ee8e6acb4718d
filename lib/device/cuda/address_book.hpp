#pragma once
#include <cstdint>
#include <map>

#include "device/driver.hpp"
#include "device/driver_call.hpp"

namespace symmbench {

/// What is reserved and mapped where. It refuses what Driver forbids *before* the GPU's driver is asked: not every
/// driver version notices, and some mistakes (freeing a range that peers still write to) would damage other memory.
/// Codes are those of the Driver contract. check_* throws Error{driver}; the others record what has been done.
class AddressBook {
 public:
  using Extents = std::map<DevicePtr, std::uint64_t>;  ///< bytes by address

  /// `granularity_bytes`: of every address and size, a power of two.
  explicit AddressBook(std::uint64_t granularity_bytes) : granularity_(granularity_bytes) {}

  void check_reserve(std::uint64_t bytes, std::uint64_t alignment) const;
  void reserved(DevicePtr address, std::uint64_t bytes) { ranges_.emplace(address, bytes); }

  /// The whole range as reserved, and nothing mapped in it.
  void check_free(DevicePtr address, std::uint64_t bytes) const;
  void freed(DevicePtr address) { ranges_.erase(address); }

  /// Inside one reserved range and over nothing else that is mapped.
  void check_map(DevicePtr address, std::uint64_t bytes) const;
  void mapped(DevicePtr address, std::uint64_t bytes) { mappings_.emplace(address, bytes); }

  /// Exactly one mapping.
  void check_unmap(DevicePtr address, std::uint64_t bytes) const;
  void unmapped(DevicePtr address) { mappings_.erase(address); }

  /// Mapped without a gap.
  void check_access(DevicePtr address, std::uint64_t bytes) const;

  const Extents& ranges() const { return ranges_; }
  const Extents& mappings() const { return mappings_; }

 private:
  void check_piece(DevicePtr address, std::uint64_t bytes, DriverCall call) const;
  bool inside_a_range(DevicePtr address, std::uint64_t bytes) const;
  /// The first mapping that ends after `address`.
  Extents::const_iterator first_mapping_after(DevicePtr address) const;

  std::uint64_t granularity_;
  Extents ranges_;
  Extents mappings_;
};

}  // namespace symmbench
