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
/// `place` names the rank for a person at the host.
struct RankPlace {
  int local_rank = 0;      ///< among the ranks of its host
  int supervisor_pid = 0;  ///< what mpirun started; the worker comes and goes
};
void run_preflight(WorkerContext& context, const RankPlace& place, const std::vector<DeviceAnswer>& devices);

}  // namespace symmbench
