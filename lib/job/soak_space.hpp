#pragma once
#include <optional>
#include <string>

#include "config/run_config.hpp"

namespace symmbench {

/// Why a soak must not begin on this rank: its journal will not fit where it is to be. nullopt: it will, or there is no
/// soak or no journal, or the file system does not say. A soak that loses its records after hours was for nothing; any
/// other run goes on without a journal.
std::optional<std::string> soak_space_problem(const RunConfig& config, const std::optional<std::string>& journal_dir);

}  // namespace symmbench
