#pragma once
#include <string>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

/// Something in which the surroundings of two runs differ.
struct EnvironmentDifference {
  std::string key;             ///< "device.kind", "gpu_model", "config.placements", ...
  std::string a, b;            ///< as text; "unknown" where a report does not say
  bool other_machine = false;  ///< of a kind whose times say nothing about each other: no gate compares them
};

/// What differs between the surroundings of two reports, in the order of what matters: device kind, GPU model, fabric,
/// driver, hosts, ranks, build, environment variables, configuration. What says where a run writes, or what it is held
/// against, is left out.
std::vector<EnvironmentDifference> environment_differences(const Json& a, const Json& b);

/// Of these, what makes the machines too different for a gate: "gpu_model: NVIDIA H200 and NVIDIA B200"; empty: nothing.
std::string why_other_machine(const std::vector<EnvironmentDifference>& differences);

}  // namespace symmbench
