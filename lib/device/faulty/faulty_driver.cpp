#include "device/faulty/faulty_driver.hpp"

#include <fmt/format.h>

#include <utility>

#include "device/stream.hpp"

namespace symmbench {

FaultyDriver::FaultyDriver(std::unique_ptr<Driver> inner, std::vector<DriverFault> faults)
    : inner_(std::move(inner)), faults_(std::move(faults)) {}

Driver& FaultyDriver::reach(DriverCall call) {
  const std::uint64_t nth = ++calls_[static_cast<std::size_t>(call)];
  for (const DriverFault& fault : faults_) {
    if (fault.call != call || nth < fault.nth || nth - fault.nth >= fault.times) continue;
    ++injected_;
    throw_driver_error(call, fault.code, fmt::format("injected: call {} of {}", nth, name_of(call)));
  }
  return *inner_;
}

DeviceFacts FaultyDriver::facts() { return reach(DriverCall::facts).facts(); }
MemoryInfo FaultyDriver::memory_info() { return reach(DriverCall::memory_info).memory_info(); }
std::uint64_t FaultyDriver::granularity(const AllocationSpec& spec, Granularity which) {
  return reach(DriverCall::granularity).granularity(spec, which);
}
MemoryId FaultyDriver::create(std::uint64_t bytes, const AllocationSpec& spec) {
  return reach(DriverCall::create).create(bytes, spec);
}
void FaultyDriver::release(MemoryId id) { reach(DriverCall::release).release(id); }
ShareableHandle FaultyDriver::export_handle(MemoryId id) { return reach(DriverCall::export_handle).export_handle(id); }
MemoryId FaultyDriver::import_handle(const ShareableHandle& handle) {
  return reach(DriverCall::import_handle).import_handle(handle);
}
DevicePtr FaultyDriver::reserve(std::uint64_t bytes, std::uint64_t alignment) {
  return reach(DriverCall::reserve).reserve(bytes, alignment);
}
void FaultyDriver::free_range(DevicePtr address, std::uint64_t bytes) {
  reach(DriverCall::free_range).free_range(address, bytes);
}
void FaultyDriver::map(DevicePtr address, std::uint64_t bytes, MemoryId id) {
  reach(DriverCall::map).map(address, bytes, id);
}
void FaultyDriver::unmap(DevicePtr address, std::uint64_t bytes) { reach(DriverCall::unmap).unmap(address, bytes); }
void FaultyDriver::set_access(DevicePtr address, std::uint64_t bytes) {
  reach(DriverCall::set_access).set_access(address, bytes);
}
DevicePtr FaultyDriver::allocate_local(std::uint64_t bytes) {
  return reach(DriverCall::allocate_local).allocate_local(bytes);
}
void FaultyDriver::free_local(DevicePtr address) { reach(DriverCall::free_local).free_local(address); }
DevicePtr FaultyDriver::register_host(void* memory, std::uint64_t bytes) {
  return reach(DriverCall::register_host).register_host(memory, bytes);
}
std::unique_ptr<Stream> FaultyDriver::make_stream() { return reach(DriverCall::make_stream).make_stream(); }

}  // namespace symmbench
