#pragma once
#include <string>

#include "app/cli.hpp"
#include "config/run_config.hpp"
#include "core/json.hpp"

namespace symmbench {

/// `symmbench plan`, and `symmbench run --plan` with the ranks that mpirun started: cases, bytes per rank and host,
/// deadlines, expected time. No MPI, no GPU. @throws Error{config, invalid_argument} as make_plan
std::string plan_text(const RunConfig& config, int ranks);
/// The same for programs: {ranks, groups_of_ranks, group_size, groups[{id, kind, allocators, lifecycles,
/// capacity_bytes, memory, cases[Case::keys() + skip]}], memory{...}, deadlines_s{...}, expected_s, notes}.
Json plan_json(const RunConfig& config, int ranks);

/// Prints to stdout; 0. Usage errors go to stderr; 2.
int command_plan(const ParsedCommand& parsed);

}  // namespace symmbench
