#pragma once
#include <compare>
#include <cstdint>

#include "core/unique_fd.hpp"
#include "device/driver.hpp"
#include "device/handle.hpp"

namespace symmbench {

/// Names one allocation of local memory among those of all processes of this OS image.
struct LocalName {
  std::uint64_t driver = 0;  ///< random, one per HostDriver
  std::uint64_t allocation = 0;
  auto operator<=>(const LocalName&) const = default;
};

/// Local memory of the emulated device in the view of one driver: a memfd of its own, mapped for reading and writing.
/// A driver that has opened a peer's memory holds a lock on the file, which the kernel drops when the mapping is given up
/// or its process ends: so the owner can tell whether anybody still has the memory open.
class LocalMemory {
 public:
  /// New memory, its contents undefined. Behind it lies a page that nobody may touch.
  /// @throws Error{environment, capacity_exceeded} without a descriptor or a mapping for it
  static LocalMemory create(const LocalName& name, std::uint64_t bytes);
  /// The memory that another driver's blob() names, of its whole pages.
  /// @throws Error{driver}: invalid_value when it is no blob or the memory was freed, invalid_handle when the process
  /// that had it has ended or belongs to another user
  static LocalMemory open(const IpcBlob& blob);

  LocalMemory(LocalMemory&& other) noexcept;
  LocalMemory& operator=(LocalMemory&&) = delete;
  ~LocalMemory();

  DevicePtr address() const { return address_; }
  std::uint64_t bytes() const { return bytes_; }
  /// What open() needs, in another process of this OS image and user: usable as long as this lives.
  IpcBlob blob() const;
  /// Whether any driver has opened blob() and not given it up. Of memory that create() made.
  bool open_elsewhere() const;

 private:
  LocalMemory(UniqueFd fd, const LocalName& name, std::uint64_t bytes);

  UniqueFd fd_;
  LocalName name_;
  std::uint64_t bytes_ = 0;
  DevicePtr address_ = 0;
};

/// Which memory a blob names. @throws Error{driver, invalid_argument} when LocalMemory::blob() has not made it
LocalName name_in(const IpcBlob& blob);

}  // namespace symmbench
