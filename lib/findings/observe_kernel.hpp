#pragma once
#include "findings/finding.hpp"

namespace symmbench {

// Checks on what drivers and kernels reported during a run: NVML's events, the kernel's log.

/// Of a row whose codes are Xids.
Observed observe_xids(const CheckRow& row, const Json& report);
/// Xids that no row with observe_xids() has.
Observed observe_other_xids(const CheckRow& row, const Json& report);
Observed observe_switch_errors(const CheckRow& row, const Json& report);
Observed observe_killed_processes(const CheckRow& row, const Json& report);

}  // namespace symmbench
