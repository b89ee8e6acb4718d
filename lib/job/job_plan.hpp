#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "plan/make_plan.hpp"
#include "supervise/work.hpp"

namespace symmbench {

inline constexpr std::size_t kMostItemsOfRequest = 8192;  ///< cases

/// The plan of a whole job. Made on rank 0 before anything runs, for every tuning table that `auto` may come to follow;
/// notes, memory, planned rows and the workers' requests all come from it. Every group of ranks does the same: its
/// number, which case ids name, is all that differs.
class JobPlan {
 public:
  /// `multicast_veto`: whose environment forbids it; nullopt: nobody's.
  /// @throws Error{config, invalid_argument} as make_plan and check_faults, whichever table it is that forbids the plan,
  /// with and without multicast
  JobPlan(const RunConfig& config, int world_size, std::optional<std::string> multicast_veto = std::nullopt);

  /// Why nothing of it is to be launched: multicast alone was asked for, and cannot be used here; nullopt: there is more.
  std::optional<std::string> refusal() const;

  /// Once the device is known: the tuning table that `auto` follows from now on, and which rank's device has no multicast.
  /// Only a shipped table changes a plan, and only where `auto` was asked for; nothing can fail here.
  void follow_device(const std::string& table, std::optional<std::string> multicast_missing);

  int world_size() const { return plan().world_size; }
  int group_size() const { return plan().group_size; }
  int groups_of_ranks() const { return plan().world_size / plan().group_size; }
  /// What the first group of ranks does; memory and times of the others are the same.
  const Plan& plan() const { return plans_.at(table_); }
  /// What group number `group` does, in order.
  std::vector<CaseGroup> case_groups(int group) const;

  /// One request per case group, in order, with all that a worker needs to know; cases known to be skipped are left
  /// out, and so are groups without any other. A group of more than kMostItemsOfRequest is several requests, each of
  /// which fits a frame of a worker's channel many times over.
  std::vector<WorkRequest> work(int group, const WorkerConfig& config, const std::string& device) const;
  /// RunStarted's planned rows and lifecycles over all groups of ranks.
  std::vector<Json> planned_rows() const;
  std::vector<Json> planned_lifecycles() const;

 private:
  RunConfig config_;
  MulticastOffer offer_;
  std::map<std::string, Plan> plans_;  ///< by TuningTable::name
  std::string table_;                  ///< of the plan that holds
};

}  // namespace symmbench
