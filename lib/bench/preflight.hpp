#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bench/rank_place.hpp"
#include "device/driver.hpp"
#include "device/recorded_facts.hpp"
#include "memory/handle_facts.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// What one device kind answers on this rank, without keeping anything open.
struct DeviceAnswer {
  std::string kind;                    ///< "host", "cuda"
  std::optional<std::string> problem;  ///< why it cannot be used; nullopt: it can
  bool absent = false;                 ///< with a problem: there is nothing of this kind here, so nothing is broken
  std::optional<DeviceFacts> facts;    ///< when usable
  std::optional<HandleFacts> handles;  ///< when usable: what handle rules go by
  std::optional<Failure> self_test;    ///< why a fabric handle does not work in this process alone; nullopt: it does
  std::optional<MemoryInfo> memory;    ///< when usable; of the host's memory all its ranks see the same
  std::optional<std::vector<std::string>> unreachable;  ///< UUIDs of visible devices whose memory it cannot access
  std::vector<LibraryFacts> libraries = {};             ///< that this kind of device needs or may use
  std::vector<HandleGranularity> granularities = {};    ///< when usable
  std::optional<MigMode> mig = std::nullopt;            ///< when usable and there is such a thing
};

/// The preflight task of a worker: appends one RankFacts record with host identity, host, limits, environment (by allow-list)
/// and what each device kind answered. Not collective: nothing here waits for another rank.
void run_preflight(WorkerContext& context, const RankPlace& place, const std::vector<DeviceAnswer>& devices);

/// Why GPUs that are usable one by one cannot be used together, or nullopt: one GPU for two ranks, or two GPUs of one
/// host and one group of `group_size` ranks that cannot reach one another's memory. Names both world ranks and UUIDs.
/// `records` are RankFacts as JSON; a rank that told no UUID is passed over. One visible device per rank is fine: only
/// the UUID counts. Pure. @pre group_size is at least 1
std::optional<std::string> placement_problem(std::span<const Json> records, int group_size);

}  // namespace symmbench
