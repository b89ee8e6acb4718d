#pragma once
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "plan/make_plan.hpp"
#include "supervise/work.hpp"

namespace symmbench {

/// The plan of a whole job. Made once, on rank 0, before anything runs; notes, memory, planned rows and the workers'
/// requests all come from it. Every group of ranks does the same: its number, which case ids name, is all that differs.
class JobPlan {
 public:
  /// @throws Error{config, invalid_argument} as make_plan and check_faults
  JobPlan(const RunConfig& config, int world_size);

  /// Once the device is known: `config` says which tuning table `auto` follows from now on. Only a table that has
  /// something to say changes the plan.
  void follow_tuning(const RunConfig& config);

  int world_size() const { return plan_.world_size; }
  int group_size() const { return plan_.group_size; }
  int groups_of_ranks() const { return plan_.world_size / plan_.group_size; }
  /// What the first group of ranks does; memory and times of the others are the same.
  const Plan& plan() const { return plan_; }
  /// What group number `group` does, in order.
  std::vector<CaseGroup> case_groups(int group) const;

  /// One request per case group, in order, with all that a worker needs to know; cases known to be skipped are left
  /// out, and so are groups without any other.
  std::vector<WorkRequest> work(int group, const WorkerConfig& config, const std::string& device) const;
  /// RunStarted's planned rows and lifecycles over all groups of ranks.
  std::vector<Json> planned_rows() const;
  std::vector<Json> planned_lifecycles() const;

 private:
  Plan plan_;
  std::string tuning_;  ///< name of the table that "auto" follows
};

}  // namespace symmbench
