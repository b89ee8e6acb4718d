#pragma once
#include "bench/backend.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// How a worker gets its device; `kind` is "host" or "cuda". @throws Error{environment, not_supported} with the reason
using BackendFactory = std::function<Backend(const std::string& kind, int world_rank, const Json& settings)>;

/// Why a device kind cannot be used by this process, or nullopt. Does not allocate.
using DeviceProbe = std::function<std::optional<std::string>(const std::string& kind, int world_rank)>;

/// The preflight task of a worker: one RankFacts record with host identity, memory limits, environment, build id,
/// configuration hash, and for each device kind whether it is usable and why not.
void run_preflight(WorkerContext& context, const DeviceProbe& probe, const BackendFactory& make_backend);

}  // namespace symmbench
