#pragma once
#include "bench/backend.hpp"
#include "config/worker_config.hpp"
#include "device/traced_driver.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// What a worker does for `symmbench probe`, with its group: trials of every handle type under every allocator that can
/// travel by it, the transport of descriptors, and for each pair of ranks whether one reads what the other wrote into its
/// own memory, how long a word takes and how long a copy. Appends HandleTrialRecords (leader) and a ProbeRecord per rank.
/// `trace`: what keeps the calls of backend.driver; null: none.
/// @throws Error when the ranks lost each other
void run_probe(WorkerContext& context, Backend& backend, const TracedDriver* trace);

}  // namespace symmbench
