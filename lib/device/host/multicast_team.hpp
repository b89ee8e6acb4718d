#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "device/driver.hpp"
#include "device/driver_call.hpp"
#include "device/host/host_memory.hpp"

namespace symmbench {

/// A multicast object of the emulated device: what the processes of a team know of each other, in a memfd that all of
/// them have mapped. One object of this class per process; shared by its id and its mappings.
///
/// An address of it is no memory: a plain access faults, where on a GPU it would be undefined. Who stores to all asks
/// multicast_members() where all have it.
class MulticastTeam {
 public:
  /// `partition`: of the fabric that the devices must have in common. @throws as create_host_memory()
  static std::shared_ptr<MulticastTeam> create(const MulticastSpec& spec, std::uint64_t granularity,
                                               std::uint32_t partition);
  /// nullptr where `memory`, just imported, is no multicast object.
  static std::shared_ptr<MulticastTeam> open(HostMemory& memory);
  MulticastTeam(const MulticastTeam&) = delete;
  MulticastTeam& operator=(const MulticastTeam&) = delete;
  ~MulticastTeam();

  std::uint64_t bytes() const;
  const HostMemory& file() const { return file_; }

  /// `device` joins. @throws Error{driver} 1: it is in already, or the team is complete; 801: of another partition
  void add(std::uint64_t device, std::uint32_t partition);

  /// Returns when all devices have joined, as the CUDA driver makes binding and mapping wait, but not without end.
  /// @throws Error{driver, timed_out} that says how many are missing
  void wait_complete(std::chrono::milliseconds limit, DriverCall call) const;

  /// @throws Error{driver} 101: the device has not joined
  void require_member(std::uint64_t device) const;

  /// The memory that `device` has at [offset, offset + bytes): one binding per device at a time, which keeps the bytes.
  /// @throws Error{driver} 1: beyond the object; 401: it has bound memory already  @pre a member
  void bind(std::uint64_t device, std::uint64_t offset, const HostMemory& memory, std::uint64_t bytes);
  /// @throws Error{driver} 1: not what bind() was given
  void unbind(std::uint64_t device, std::uint64_t offset, std::uint64_t bytes);

  /// Where this process has each device's memory, in the order in which they joined; mapped at the first call.
  /// @throws Error{driver} 401 while a device has bound nothing
  const std::vector<DevicePtr>& members();

 private:
  struct Member;
  struct Page;
  struct Mapped {
    DevicePtr address;
    std::uint64_t bytes;
  };
  explicit MulticastTeam(HostMemory file);
  static DevicePtr map_member(const Member& member);
  int place_of(std::uint64_t device) const;

  HostMemory file_;
  Page* page_;
  UniqueFd bound_;  ///< while this process has memory bound: others open it by number
  std::vector<Mapped> mapped_;
  std::vector<DevicePtr> members_;
};

/// The members of the team that is mapped at `address` in this process, by any HostDriver of it.
/// @throws Error{driver} 700 where none is, and as MulticastTeam::members()
std::vector<DevicePtr> multicast_members(DevicePtr address);

/// What HostDriver::map() and unmap() tell it.
void note_multicast_mapping(DevicePtr address, const std::shared_ptr<MulticastTeam>& team);
void forget_multicast_mapping(DevicePtr address);

}  // namespace symmbench
