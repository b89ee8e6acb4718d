#pragma once
#include <optional>
#include <string>
#include <vector>

#include "device/driver.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// What one device kind answers on this rank, without keeping anything open.
struct DeviceAnswer {
  std::string kind;                    ///< "host", "cuda"
  std::optional<std::string> problem;  ///< why it cannot be used; nullopt: it can
  std::optional<DeviceFacts> facts;    ///< when usable
  std::optional<MemoryInfo> memory;    ///< when usable; of the host's memory all its ranks see the same
};

/// The preflight task of a worker: appends one RankFacts record with host identity, memory, environment (by allow-list)
/// and what each device kind answered. Not collective: nothing here waits for another rank.
void run_preflight(WorkerContext& context, const std::vector<DeviceAnswer>& devices);

}  // namespace symmbench
