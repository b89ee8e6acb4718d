#pragma once
#include <optional>

#include "config/worker_config.hpp"
#include "device/host/host_driver.hpp"

namespace symmbench {

/// Worker: makes this process one of the virtual host that `emulation` puts `world_rank` on, and says what its emulated
/// GPU offers. nullopt: the defaults, on this host.
HostDriverOptions emulated_rank(const std::optional<Emulation>& emulation, int world_rank);

}  // namespace symmbench
