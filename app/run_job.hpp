#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "plan/make_plan.hpp"
#include "supervise/supervisor.hpp"

namespace symmbench {

/// The device of a run, decided from what every rank's preflight worker said.
struct DeviceDecision {
  std::string kind;  ///< "host" or "cuda"
  bool emulated = true;
  std::string family;                  ///< "host", "sm90", ...; empty where GPUs differ or did not say
  std::string reason;                  ///< why this one, for the report and, with --device auto, a loud line
  std::optional<std::string> problem;  ///< machine facts forbid the run (exit 3), with the reason
};
/// `auto`: cuda when every rank can use it, else host. Pure.
DeviceDecision decide_device(const RunConfig& config, const std::vector<Json>& rank_facts, int world_size);

/// The configuration once the device is known: `--tuning auto` becomes the shipped table of the device's family, or
/// "computed" where there is none.
RunConfig config_for(const RunConfig& config, const DeviceDecision& device);
/// A table that the user gave and that was made for another kind of device, in words; it is followed all the same.
std::optional<std::string> tuning_concern(const RunConfig& config, const DeviceDecision& device);

/// Why the plan cannot fit this machine's memory, with the figures, or nullopt. Compares what the workspaces and batch
/// rings of the ranks that share a memory need with what each of them reported as free.
std::optional<std::string> memory_problem(const Plan& plan, const DeviceDecision& device,
                                          const std::vector<Json>& rank_facts);

/// One WorkRequest per case group, in order; cases known to be skipped are left out.
std::vector<WorkRequest> work_of(const Plan& plan, const RunConfig& config, const DeviceDecision& device);

/// RunStarted's planned rows and lifecycles over all groups of ranks.
std::vector<Json> planned_rows(const RunConfig& config, int world_size);
std::vector<Json> planned_lifecycles(const RunConfig& config, int world_size);

}  // namespace symmbench
