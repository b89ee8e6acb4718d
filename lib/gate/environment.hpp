#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

/// Something in which the surroundings of two runs differ.
struct EnvironmentDifference {
  std::string key;             ///< "device_kind", "gpu_model", "config.placements", ...
  std::string a, b;            ///< as text; "unknown" where a report does not say
  bool identity = false;       ///< differs between any two systems, also equal ones: host names, UUIDs, job ids
  bool other_machine = false;  ///< of a kind whose times say nothing about each other: no gate compares them
};

/// What differs between the surroundings of two reports, in the order of how likely they explain another
/// outcome: handle rules, kind of machine, handle types and fabric, driver, IMEX, multicast, handle trials, then the rest,
/// environment variables, configuration; last what is an identity and explains nothing. What says where a run writes, or what it is held
/// against, is left out.
std::vector<EnvironmentDifference> environment_differences(const Json& a, const Json& b);

/// What a report says of its machine's kind, by name: device_kind, device_emulated, gpu_model, fabric_profile,
/// fabric_hosts, fabric_state. "unknown" where it does not say.
std::map<std::string, std::string> machine_of(const Json& report);
/// Why times of one cannot be held against those of the other; empty: they can. What one does not say does not count, but
/// for device kind and GPU model.
std::string why_other_machine(const std::map<std::string, std::string>& a, const std::map<std::string, std::string>& b);

/// Of these, what makes the machines too different for a gate: "gpu_model: NVIDIA H200 and NVIDIA B200"; empty: nothing.
std::string why_other_machine(const std::vector<EnvironmentDifference>& differences);

}  // namespace symmbench
