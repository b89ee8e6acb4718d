#pragma once
#include <string>
#include <vector>

#include "bench/backend.hpp"
#include "bench/preflight.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// The composition root: the one place where a device kind becomes Driver + KernelSet. Runs in workers only.
/// @throws Error{environment, not_supported} when `kind` cannot be used here, with the reason
Backend make_backend(const std::string& kind, Heartbeat& heartbeat);

/// What every device kind answers here, best first.
std::vector<DeviceAnswer> probe_devices();

}  // namespace symmbench
