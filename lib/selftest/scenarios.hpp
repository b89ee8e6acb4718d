#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "fault/fault_plan.hpp"

namespace symmbench {

/// What a self test was asked for.
struct SelftestPlan {
  DeviceChoice device = DeviceChoice::host;
  std::vector<std::string> faults;      ///< names; empty: all that can be provoked
  std::vector<std::string> allocators;  ///< empty: all
  std::uint64_t seed = 1;               ///< decides which rank each fault strikes
  double timeout_s = 0.5;               ///< --timeout of each run
  CheckMode check = CheckMode::on;
  bool exhaustive = false;  ///< every rank, and every code of a driver call
};

/// One run with one fault in it, and all that is to come of it.
struct Scenario {
  FaultSpec spec;
  std::string workspace, allocator;

  const FaultRow& fault() const { return *spec.fault; }
};

/// A fault that cannot follow others in one launch, and the command that provokes it in a launch of its own.
struct FaultApart {
  std::string_view fault;
  std::string command;
};

struct Scenarios {
  std::vector<Scenario> runs;
  std::vector<FaultApart> apart;
};

/// Every fault with every allocator that it can strike; ranks by `seed`, workspaces in turn.
/// @throws Error{config, invalid_argument} for an unknown fault or allocator, naming what is allowed
Scenarios scenarios_of(const SelftestPlan& plan, int world_size);

/// The run that it is.
RunConfig config_of(const Scenario& scenario, const SelftestPlan& plan);

}  // namespace symmbench
