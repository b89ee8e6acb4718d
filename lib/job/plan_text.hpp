#pragma once
#include <string>

#include "config/run_config.hpp"
#include "core/json.hpp"
#include "plan/case.hpp"

namespace symmbench {

/// What a run would do, for people: cases, bytes per rank and host, deadlines, expected time, notes. `plan` is that of
/// the first group of ranks, made from `config`.
std::string plan_text(const RunConfig& config, const Plan& plan);
/// The same for programs: {ranks, groups_of_ranks, group_size, groups[{id, kind, allocators, lifecycles,
/// capacity_bytes, cases[Case::keys() + skip]}], memory{...}, deadlines_s{...}, expected_s, notes}.
Json plan_json(const RunConfig& config, const Plan& plan);

}  // namespace symmbench
