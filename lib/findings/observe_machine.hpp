#pragma once
#include "findings/finding.hpp"

namespace symmbench {

/// Checks on what `symmbench probe` and runs measured between devices, what `run --bisect` found, and on the load of the hosts.
Observed observe_slow_pair(const CheckRow& row, const Json& report);
Observed observe_slow_link(const CheckRow& row, const Json& report);
Observed observe_slow_rank(const CheckRow& row, const Json& report);
Observed observe_bisected(const CheckRow& row, const Json& report);
Observed observe_throttled(const CheckRow& row, const Json& report);
Observed observe_link_errors(const CheckRow& row, const Json& report);
Observed observe_link_retries(const CheckRow& row, const Json& report);
Observed observe_far_gpu(const CheckRow& row, const Json& report);
Observed observe_oversubscribed(const CheckRow& row, const Json& report);

}  // namespace symmbench
