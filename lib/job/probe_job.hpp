#pragma once
#include "job/measure.hpp"

namespace symmbench {

/// Rank 0's part of `symmbench probe`: facts of every rank, the device decided from them, then what its workers find
/// (bench/probe_task.hpp). The report has no rows; where machine facts forbid the probe, or it is interrupted, it says so.
Json probe(MpiJob& job, const RunConfig& config, const Invocation& invocation, bool trace);

}  // namespace symmbench
