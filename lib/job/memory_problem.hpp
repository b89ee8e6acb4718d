#pragma once
#include <optional>
#include <string>
#include <vector>

#include "job/device_decision.hpp"
#include "plan/case.hpp"

namespace symmbench {

/// Why the plan cannot fit this machine's memory, with the figures in bytes, or nullopt. Compares what the workspaces
/// and batch rings of the ranks that share a memory need with what each of them reported as free. `rank_facts`: one
/// RankFacts record per rank, in which the device of `device` is usable. Pure.
std::optional<std::string> memory_problem(const Plan& plan, const DeviceDecision& device,
                                          const std::vector<Json>& rank_facts);

}  // namespace symmbench
