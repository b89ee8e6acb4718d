#pragma once
#include "report/record_set.hpp"

namespace symmbench {

/// One entry of ranks[]. `facts` is RankFacts::facts, or null for a rank that never reported; `device_kind` picks the
/// device that the run uses among those that the rank could have.
Json rank_json(int rank, const Json& facts, const std::string& device_kind);

/// One entry per rank of the job, in rank order, also for ranks that never reported.
Json fold_ranks(const RecordSet& records);

/// {profile, hosts, floors, links, ...}: hosts is the number of different operating systems (boot ids) among the ranks that
/// reported; floors has one entry per group of ranks that measured them (report/floors.hpp).
Json fold_fabric(const RecordSet& records);

}  // namespace symmbench
