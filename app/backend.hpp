#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "bench/backend.hpp"
#include "bench/preflight.hpp"
#include "catalog/protocol_faults.hpp"
#include "device/faulty/faulty_driver.hpp"
#include "device/host/host_driver.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

struct BackendOptions {
  int local_rank = 0;                            ///< among the ranks of this host: which GPU is meant
  std::chrono::nanoseconds synchronize_limit{};  ///< of one Stream::synchronize(); longer than any wait in a kernel
  std::vector<DriverFault> driver_faults = {};   ///< what strikes this rank
  std::optional<ProtocolFault> protocol_fault = std::nullopt;  ///< likewise
  std::size_t traced_calls = 0;                                ///< how many driver calls are kept, in order; 0: none
  HostDriverOptions host_device = {};                          ///< what the host device offers
};

/// The composition root: the one place where a device kind becomes Driver + KernelSet. Runs in workers only.
/// @throws Error{environment, not_supported} when `kind` cannot be used here, with the reason
Backend make_backend(const std::string& kind, Heartbeat& heartbeat, const BackendOptions& options);

/// What every device kind answers here, best first.
std::vector<DeviceAnswer> probe_devices(int local_rank, const HostDriverOptions& host_device = {});

}  // namespace symmbench
