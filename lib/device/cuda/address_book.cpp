#include "device/cuda/address_book.hpp"

#include <fmt/format.h>

#include <bit>
#include <iterator>

#include "core/text.hpp"

namespace symmbench {

void AddressBook::check_reserve(std::uint64_t bytes, std::uint64_t alignment) const {
  if (bytes != 0 && bytes % granularity_ == 0 && (alignment == 0 || std::has_single_bit(alignment))) return;
  throw_driver_error(DriverCall::reserve, driver_code::kInvalidValue,
                     fmt::format("{} bytes aligned to {}: the size must be a positive multiple of {}, the alignment 0 "
                                 "or a power of two",
                                 bytes, alignment, granularity_));
}

void AddressBook::check_free(DevicePtr address, std::uint64_t bytes) const {
  const auto range = ranges_.find(address);
  if (range == ranges_.end() || range->second != bytes) {
    throw_driver_error(DriverCall::free_range, driver_code::kInvalidValue,
                       fmt::format("no range of {} was reserved at {:#x}", format_bytes(bytes), address));
  }
  const auto mapping = first_mapping_after(address);
  if (mapping != mappings_.end() && mapping->first < address + bytes) {
    throw_driver_error(DriverCall::free_range, driver_code::kIllegalState,
                       fmt::format("{} are still mapped at {:#x}", format_bytes(mapping->second), mapping->first));
  }
}

void AddressBook::check_map(DevicePtr address, std::uint64_t bytes) const {
  check_piece(address, bytes, DriverCall::map);
  if (!inside_a_range(address, bytes)) {
    throw_driver_error(DriverCall::map, driver_code::kInvalidValue,
                       fmt::format("{} at {:#x} are not inside one reserved range", format_bytes(bytes), address));
  }
  const auto mapping = first_mapping_after(address);
  if (mapping != mappings_.end() && mapping->first < address + bytes) {
    throw_driver_error(
        DriverCall::map, driver_code::kInvalidValue,
        fmt::format("{} at {:#x} overlap what is mapped at {:#x}", format_bytes(bytes), address, mapping->first));
  }
}

void AddressBook::check_unmap(DevicePtr address, std::uint64_t bytes) const {
  const auto mapping = mappings_.find(address);
  if (mapping != mappings_.end() && mapping->second == bytes) return;
  throw_driver_error(DriverCall::unmap, driver_code::kInvalidValue,
                     fmt::format("no mapping of {} was placed at {:#x}", format_bytes(bytes), address));
}

void AddressBook::check_access(DevicePtr address, std::uint64_t bytes) const {
  check_piece(address, bytes, DriverCall::set_access);
  DevicePtr covered = address;
  for (auto at = first_mapping_after(address); at != mappings_.end() && at->first <= covered; ++at) {
    covered = at->first + at->second;
    if (covered >= address + bytes) return;
  }
  throw_driver_error(
      DriverCall::set_access, driver_code::kInvalidValue,
      fmt::format("nothing is mapped at {:#x}, inside {} at {:#x}", covered, format_bytes(bytes), address));
}

void AddressBook::check_piece(DevicePtr address, std::uint64_t bytes, DriverCall call) const {
  if (bytes != 0 && address % granularity_ == 0 && bytes % granularity_ == 0) return;
  throw_driver_error(
      call, driver_code::kInvalidValue,
      fmt::format("{} bytes at {:#x}: address and size must be multiples of {}", bytes, address, granularity_));
}

bool AddressBook::inside_a_range(DevicePtr address, std::uint64_t bytes) const {
  auto range = ranges_.upper_bound(address);
  if (range == ranges_.begin()) return false;
  --range;
  const std::uint64_t offset = address - range->first;
  return offset <= range->second && bytes <= range->second - offset;
}

AddressBook::Extents::const_iterator AddressBook::first_mapping_after(DevicePtr address) const {
  auto at = mappings_.upper_bound(address);
  if (at != mappings_.begin() && std::prev(at)->first + std::prev(at)->second > address) --at;
  return at;
}

}  // namespace symmbench
