#pragma once
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "plan/case_group.hpp"

namespace symmbench {

inline constexpr std::size_t kMaxCases = 65536;  ///< of one run; more is taken for a typing mistake

/// What a run does on each group of ranks, in order. A pure function of (config, world size, group, offer). Rank 0 makes it
/// (job/job_plan.hpp); workers are handed their case group (plan/case_codec.hpp).
struct Plan {
  int world_size = 0;
  int group_size = 0;
  std::vector<CaseGroup> groups;
  std::vector<std::string> notes;  ///< roundings and dropped duplicates, one line each, for rank 0 to print
};

/// @throws Error{config, invalid_argument} for a combination that cannot exist (group size does not divide the ranks,
/// allocator lists that overlap, ...), naming option, value and what is allowed
Plan make_plan(const RunConfig& config, int world_size, int group, const MulticastOffer& offer = {});

}  // namespace symmbench
