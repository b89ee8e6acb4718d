#include "device/host/host_multicast.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/text.hpp"

namespace symmbench {

void HostMulticast::check(DriverCall call) const {
  if (!supported_) {
    throw_driver_error(call, driver_code::kNotSupported, "this emulated device has no multicast");
  }
  if (!options_.fabric_manager_runs) {
    throw_driver_error(call, driver_code::kNotReady, "the fabric manager of this emulated device does not run");
  }
}

void HostMulticast::check_piece(std::uint64_t offset, std::uint64_t bytes, DriverCall call) const {
  if (bytes != 0 && offset % options_.granularity == 0 && bytes % options_.granularity == 0) return;
  throw_driver_error(call, driver_code::kInvalidValue,
                     fmt::format("{} bytes at offset {}: both must be multiples of the multicast granularity {}, the "
                                 "size positive",
                                 bytes, offset, options_.granularity));
}

const HostMulticast::Team& HostMulticast::find(MemoryId id, DriverCall call) const {
  const auto at = teams_.find(id);
  if (at == teams_.end()) {
    throw_driver_error(call, driver_code::kInvalidHandle,
                       fmt::format("{} is no multicast object", static_cast<std::uint64_t>(id)));
  }
  return at->second;
}

std::uint64_t HostMulticast::granularity(Granularity which) const {
  if (!supported_) check(DriverCall::multicast_granularity);
  const bool larger = which == Granularity::recommended && options_.recommended_granularity != 0;
  return larger ? options_.recommended_granularity : options_.granularity;
}

HostMulticast::Team HostMulticast::make(const MulticastSpec& spec, std::uint64_t memory_granularity) const {
  check(DriverCall::create_multicast);
  check_piece(0, spec.bytes, DriverCall::create_multicast);
  return MulticastTeam::create(spec, memory_granularity, options_.partition);
}

void HostMulticast::add(MemoryId object) const {
  check(DriverCall::add_device);
  find(object, DriverCall::add_device)->add(device_, options_.partition);
}

void HostMulticast::bind(MemoryId object, std::uint64_t offset, const std::shared_ptr<HostMemory>& memory,
                         std::uint64_t bytes) {
  check(DriverCall::bind_memory);
  const Team& team = find(object, DriverCall::bind_memory);
  check_piece(offset, bytes, DriverCall::bind_memory);
  if (memory->imported) {
    throw_driver_error(DriverCall::bind_memory, driver_code::kInvalidValue, "the memory is another device's");
  }
  if (bytes > memory->bytes) {
    throw_driver_error(
        DriverCall::bind_memory, driver_code::kInvalidValue,
        fmt::format("{} asked, but the memory has {}", format_bytes(bytes), format_bytes(memory->bytes)));
  }
  team->require_member(device_);
  team->wait_complete(options_.team_limit, DriverCall::bind_memory);
  team->bind(device_, offset, *memory, bytes);
  bound_[object] = memory;
}

std::shared_ptr<HostMemory> HostMulticast::unbind(MemoryId object, std::uint64_t offset, std::uint64_t bytes) {
  find(object, DriverCall::unbind_memory)->unbind(device_, offset, bytes);
  std::shared_ptr<HostMemory> memory = std::move(bound_[object]);
  bound_.erase(object);
  return memory;
}

}  // namespace symmbench
