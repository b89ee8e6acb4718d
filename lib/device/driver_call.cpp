#include "device/driver_call.hpp"

#include <utility>

#include "core/names.hpp"
#include "device/driver.hpp"

namespace symmbench {
namespace {

constexpr auto kNames = name_table<DriverCall>({
    {DriverCall::facts, "cuDeviceGetAttribute"},
    {DriverCall::memory_info, "cuMemGetInfo"},
    {DriverCall::granularity, "cuMemGetAllocationGranularity"},
    {DriverCall::create, "cuMemCreate"},
    {DriverCall::release, "cuMemRelease"},
    {DriverCall::export_handle, "cuMemExportToShareableHandle"},
    {DriverCall::import_handle, "cuMemImportFromShareableHandle"},
    {DriverCall::reserve, "cuMemAddressReserve"},
    {DriverCall::free_range, "cuMemAddressFree"},
    {DriverCall::map, "cuMemMap"},
    {DriverCall::unmap, "cuMemUnmap"},
    {DriverCall::set_access, "cuMemSetAccess"},
    {DriverCall::multicast_granularity, "cuMulticastGetGranularity"},
    {DriverCall::create_multicast, "cuMulticastCreate"},
    {DriverCall::add_device, "cuMulticastAddDevice"},
    {DriverCall::bind_memory, "cuMulticastBindMem"},
    {DriverCall::unbind_memory, "cuMulticastUnbind"},
    {DriverCall::allocate_local, "cuMemAlloc"},
    {DriverCall::free_local, "cuMemFree"},
    {DriverCall::export_ipc, "cuIpcGetMemHandle"},
    {DriverCall::open_ipc, "cuIpcOpenMemHandle"},
    {DriverCall::close_ipc, "cuIpcCloseMemHandle"},
    {DriverCall::register_host, "cuMemHostRegister"},
    {DriverCall::make_stream, "cuStreamCreate"},
    {DriverCall::copy, "cuMemcpyAsync"},
    {DriverCall::fill, "cuMemsetD32Async"},
    {DriverCall::make_event, "cuEventCreate"},
    {DriverCall::record_event, "cuEventRecord"},
    {DriverCall::elapsed, "cuEventElapsedTime"},
    {DriverCall::capture, "cuStreamBeginCapture"},
    {DriverCall::launch_graph, "cuGraphLaunch"},
    {DriverCall::synchronize, "cuStreamSynchronize"},
});
static_assert(kNames.rows.size() == kDriverCalls);

}  // namespace

std::string_view name_of(DriverCall call) { return kNames.name(call); }
std::optional<DriverCall> driver_call_from(std::string_view name) { return kNames.value(name); }

Reason reason_of_driver_code(int code) {
  switch (code) {
    case driver_code::kInvalidValue:
    case driver_code::kInvalidDevice:
      return Reason::invalid_argument;
    case driver_code::kOutOfMemory:
      return Reason::out_of_memory;
    case driver_code::kInvalidHandle:
      return Reason::invalid_handle;
    case driver_code::kInvalidContext:
    case driver_code::kIllegalState:
      return Reason::illegal_state;
    case driver_code::kIllegalAddress:
      return Reason::illegal_address;
    case driver_code::kNotPermitted:
      return Reason::not_permitted;
    case driver_code::kNotSupported:
      return Reason::not_supported;
    case driver_code::kNotReady:
      return Reason::not_ready;
    default:
      return Reason::internal;
  }
}

void throw_driver_error(std::string_view call, int code, std::string detail) {
  throw Error({.layer = Layer::driver,
               .reason = reason_of_driver_code(code),
               .call = std::string(call),
               .detail = std::move(detail),
               .code = code});
}

void throw_driver_error(DriverCall call, int code, std::string detail) {
  throw_driver_error(name_of(call), code, std::move(detail));
}

}  // namespace symmbench
