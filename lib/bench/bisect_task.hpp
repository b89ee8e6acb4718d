#pragma once
#include <string>
#include <vector>

#include "bench/backend.hpp"
#include "config/worker_config.hpp"
#include "plan/case_group.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// WorkItem::case_id of a smaller group, and the world ranks that such an id means: "bisect/[0,2,3]".
std::string bisect_item_id(const std::vector<int>& world_ranks);
/// @throws Error{worker, invalid_argument} for anything else
std::vector<int> bisect_members(const std::string& item_id);

/// Collective: each item of the request is a smaller group, whose ranks bring a workspace up, prove whose memory each
/// mapping shows, run the one case of `group` and check its sums, while the others wait. Items that do not begin before
/// `time_s` is over, on the leader's clock, are left out. One BisectTestRecord each, from the leader.
/// `group`: one allocator, one plain case, whose number of ranks each smaller group replaces by its own.
/// @throws Error where the ranks lost each other or a kernel gave up: that item failed
void run_bisect(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, double time_s,
                Backend& backend);

}  // namespace symmbench
