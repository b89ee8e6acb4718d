#include "device/driver.hpp"

#include "device/driver_call.hpp"

namespace symmbench {
namespace {

[[noreturn]] void refuse_multicast(DriverCall call) {
  throw_driver_error(call, driver_code::kNotSupported, "this device's driver has no multicast here");
}

}  // namespace

std::uint64_t Driver::multicast_granularity(const MulticastSpec&, Granularity) {
  refuse_multicast(DriverCall::multicast_granularity);
}
MemoryId Driver::create_multicast(const MulticastSpec&) { refuse_multicast(DriverCall::create_multicast); }
void Driver::add_device(MemoryId) { refuse_multicast(DriverCall::add_device); }
void Driver::bind_memory(MemoryId, std::uint64_t, MemoryId, std::uint64_t) {
  refuse_multicast(DriverCall::bind_memory);
}
void Driver::unbind_memory(MemoryId, std::uint64_t, std::uint64_t) { refuse_multicast(DriverCall::unbind_memory); }

}  // namespace symmbench
