#pragma once
#include <vector>

#include "bench/backend.hpp"
#include "config/worker_config.hpp"
#include "device/traced_driver.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// What a probe of groups of this size does, one after the other: a worker that stalls in one costs that one, and a fresh
/// worker goes on with the next.
std::vector<WorkItem> probe_items(int group_size);

/// What a worker does for `symmbench probe`, with its group and the items of its request (probe_items()): trials of every
/// handle type under every allocator that can travel by it and the transport of descriptors; for each pair of ranks whether
/// one reads what the other wrote into its own memory, how long a word takes and how long a copy; and whether what each
/// rank writes to a peer arrives there, and nowhere else. Appends HandleTrialRecords (leader) and ProbeRecords, each with
/// what is new. `trace`: what keeps the calls of backend.driver; null: none.
/// @throws Error when the ranks lost each other
void run_probe(WorkerContext& context, Backend& backend, TracedDriver* trace);

}  // namespace symmbench
