#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace symmbench {

/// One value per function of Driver, then of Stream and Graph; what counters, observers and injected faults speak of.
enum class DriverCall : std::uint8_t {
  facts,
  memory_info,
  granularity,
  create,
  release,
  export_handle,
  import_handle,
  reserve,
  free_range,
  map,
  unmap,
  set_access,
  multicast_granularity,
  create_multicast,
  add_device,
  bind_memory,
  unbind_memory,
  allocate_local,
  free_local,
  export_ipc,
  open_ipc,
  close_ipc,
  register_host,
  make_stream,
  copy,
  fill,
  make_event,
  record_event,
  elapsed,
  capture,
  launch_graph,
  synchronize,
};
inline constexpr std::size_t kDriverCalls = static_cast<std::size_t>(DriverCall::synchronize) + 1;

/// The CUDA driver's name for it: "cuMemCreate".
std::string_view name_of(DriverCall call);
std::optional<DriverCall> driver_call_from(std::string_view name);

/// The reason that a CUDA result code stands for; internal for one that the tool does not tell apart.
Reason reason_of_driver_code(int code);

/// @throws Error{driver, reason_of_driver_code(code)} with `call`, `code` and `detail`
[[noreturn]] void throw_driver_error(std::string_view call, int code, std::string detail);
[[noreturn]] void throw_driver_error(DriverCall call, int code, std::string detail);

}  // namespace symmbench
