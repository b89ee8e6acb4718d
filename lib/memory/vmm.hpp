#pragma once
#include <cstdint>

#include "device/driver.hpp"

namespace symmbench {

// The three things that virtual-memory code tends to call "handle", "ptr" and "ptr2", one owner each. All are
// move-only; a default-constructed or moved-from one owns nothing. close() gives the thing back and throws when the
// driver refuses, in which case it is still owned; the destructor tries (again), reports a failure on stderr and never
// throws.

/// Owns one id of physical memory, created here or imported from a peer. The bytes live on while they are mapped.
class PhysicalMemory {
 public:
  PhysicalMemory() = default;
  /// @throws Error{driver, ...} as Driver::create
  static PhysicalMemory create(Driver& driver, std::uint64_t bytes, const AllocationSpec& spec);
  /// A multicast object. @throws Error{driver, ...} as Driver::create_multicast
  static PhysicalMemory create_multicast(Driver& driver, const MulticastSpec& spec);
  /// A peer's block of `bytes`; `handle` stays the caller's. @throws Error{driver, ...} as Driver::import_handle
  static PhysicalMemory import_from(Driver& driver, std::uint64_t bytes, const ShareableHandle& handle);
  PhysicalMemory(PhysicalMemory&& other) noexcept;
  PhysicalMemory& operator=(PhysicalMemory&& other) noexcept;
  ~PhysicalMemory();

  /// A new handle, owned by the caller. @pre owns memory created here
  ShareableHandle export_handle() const;
  void close();

  MemoryId id() const { return id_; }
  std::uint64_t bytes() const { return bytes_; }
  explicit operator bool() const { return id_ != MemoryId::none; }

 private:
  PhysicalMemory(Driver& driver, MemoryId id, std::uint64_t bytes) : driver_(&driver), id_(id), bytes_(bytes) {}

  Driver* driver_ = nullptr;
  MemoryId id_ = MemoryId::none;
  std::uint64_t bytes_ = 0;
};

/// Owns reserved address space; every Mapping in it must be closed first.
class AddressRange {
 public:
  AddressRange() = default;
  /// @throws Error{driver, ...} as Driver::reserve
  AddressRange(Driver& driver, std::uint64_t bytes, std::uint64_t alignment);
  AddressRange(AddressRange&& other) noexcept;
  AddressRange& operator=(AddressRange&& other) noexcept;
  ~AddressRange();

  void close();

  DevicePtr address() const { return address_; }
  std::uint64_t bytes() const { return bytes_; }
  explicit operator bool() const { return address_ != 0; }

 private:
  Driver* driver_ = nullptr;
  DevicePtr address_ = 0;
  std::uint64_t bytes_ = 0;
};

/// Owns the placement of one PhysicalMemory at an address. Keeps the bytes alive, not the id.
class Mapping {
 public:
  Mapping() = default;
  /// All of `memory` at `address` of a reserved range, without access yet. @throws Error{driver, ...} as Driver::map
  Mapping(Driver& driver, DevicePtr address, const PhysicalMemory& memory);
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();

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
