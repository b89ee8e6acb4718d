#pragma once
#include <string>

#include "config/worker_config.hpp"
#include "plan/case_group.hpp"

namespace symmbench {

/// WorkRequest::task of these.
inline constexpr const char* kPreflightTask = "preflight";
inline constexpr const char* kCaseGroupTask = "group";
inline constexpr const char* kProbeTask = "probe";
inline constexpr const char* kBisectTask = "bisect";

/// WorkRequest::settings of a case group: all that a worker is told of the run, so that it neither resolves options nor
/// plans.
struct CaseGroupTask {
  WorkerConfig config;
  std::string device;  ///< DeviceDecision::kind
  CaseGroup group;
};

/// The same of a probe.
struct ProbeTask {
  WorkerConfig config;
  std::string device;  ///< DeviceDecision::kind
  bool trace = false;  ///< keep every driver call
};
Json to_json(const ProbeTask& task);
/// @throws Error{worker, invalid_argument}
ProbeTask probe_task_from(const Json& settings);

/// The same of `run --bisect`: bench/bisect_task.hpp.
struct BisectTask {
  CaseGroupTask tried;
  double time_s = 0;  ///< of one worker's items together
};
Json to_json(const BisectTask& task);
/// @throws Error{worker, invalid_argument}
BisectTask bisect_task_from(const Json& settings);

Json to_json(const CaseGroupTask& task);
/// @throws Error{worker, invalid_argument}
CaseGroupTask case_group_task_from(const Json& settings);

}  // namespace symmbench
