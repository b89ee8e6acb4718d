#pragma once
#include <optional>

#include "config/run_config.hpp"

namespace symmbench {

/// What the emulated device of a job of `world_size` ranks pretends to be; nullopt: nothing, or the run is on GPUs.
/// @throws Error{config, invalid_argument} for more virtual hosts than ranks, or more ranks on one than its profile has
/// GPUs, naming option, value and what is allowed
std::optional<Emulation> emulation_of(const RunConfig& config, int world_size);

}  // namespace symmbench
