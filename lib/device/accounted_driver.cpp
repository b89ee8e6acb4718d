#include "device/accounted_driver.hpp"

#include <utility>

namespace symmbench {

void DriverAccount::begin(const CallRecord& call, std::int64_t own_bytes) {
  memories_.emplace(call.memory, Memory{.own_bytes = own_bytes});
  holdings_.device_bytes += own_bytes;
  ++holdings_.handles;
}

void DriverAccount::drop(MemoryId id) {
  const auto memory = memories_.find(id);
  if (memory == memories_.end() || --memory->second.uses > 0) return;
  holdings_.device_bytes -= memory->second.own_bytes;
  memories_.erase(memory);
}

void DriverAccount::note(const CallRecord& call) {
  const auto bytes = static_cast<std::int64_t>(call.bytes);
  switch (call.call) {
    case DriverCall::create:
      begin(call, bytes);
      break;
    case DriverCall::import_handle:
    case DriverCall::create_multicast:
      begin(call, 0);
      break;
    case DriverCall::release:
      --holdings_.handles;
      drop(call.memory);
      break;
    case DriverCall::reserve:
      holdings_.va_bytes += bytes;
      ++holdings_.va_ranges;
      break;
    case DriverCall::free_range:
      holdings_.va_bytes -= bytes;
      --holdings_.va_ranges;
      break;
    case DriverCall::map:
      ++holdings_.mappings;
      mappings_[call.address] = call.memory;
      ++memories_[call.memory].uses;
      break;
    case DriverCall::unmap:
      --holdings_.mappings;
      drop(mappings_[call.address]);
      mappings_.erase(call.address);
      break;
    case DriverCall::bind_memory:
      bound_[call.object] = call.memory;
      ++memories_[call.memory].uses;
      break;
    case DriverCall::unbind_memory:
      drop(bound_[call.object]);
      bound_.erase(call.object);
      break;
    case DriverCall::allocate_local:
      holdings_.device_bytes += bytes;
      locals_[call.address] = bytes;
      break;
    case DriverCall::free_local:
      holdings_.device_bytes -= locals_[call.address];
      locals_.erase(call.address);
      break;
    case DriverCall::open_ipc:
      ++holdings_.handles;
      break;
    case DriverCall::close_ipc:
      --holdings_.handles;
      break;
    default:
      break;
  }
}

AccountedDriver::AccountedDriver(std::unique_ptr<Driver> inner, DriverAccount& account)
    : DriverDecorator(std::move(inner)), account_(account) {}

void AccountedDriver::around(const CallRecord& call, const CallBody& body) {
  body();
  account_.note(call);
}

}  // namespace symmbench
