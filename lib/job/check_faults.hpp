#pragma once
#include "config/run_config.hpp"

namespace symmbench {

/// That `config`'s faults can be provoked in a job of `world_size` ranks.
/// @throws Error{config, invalid_argument} as parse_fault_plan(); also for a fault that GPUs do not have without --device
/// host, and for a protocol fault in a run that has more than
/// plain bf16 allreduces, which is all that a rank with a broken protocol runs
void check_faults(const RunConfig& config, int world_size);

/// The same of a probe, which refuses what strikes cases only.
void check_probe_faults(const RunConfig& config, int world_size);

}  // namespace symmbench
