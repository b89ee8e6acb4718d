#pragma once
#include <vector>

#include "config/settings.hpp"

namespace symmbench {

// Parameters of patterns, of which each pattern takes its own (catalog/parameters_of_patterns.hpp).

/// What was given, layer by layer, and what came of it: sweeps[i] of the file under the command line gave merged[i].
struct GivenSettings {
  const Settings& file;                 ///< top level of the file; empty without one
  const std::vector<Settings>& sweeps;  ///< of the file
  const Settings& typed;
  const std::vector<Settings>& merged;
};

/// Refuses a parameter that was given although no pattern which is asked for takes it: a figure of the run would be taken
/// for one with that parameter. In a file, beside the sweeps that take it, it may stand for all, and at its default it
/// says nothing. Where the command line chooses the patterns, the file's parameters need not suit them.
/// @throws Error{config, invalid_argument} naming option, value and the patterns that take it
void refuse_parameters_without_pattern(const GivenSettings& given);

/// What the patterns of a sweep do not take is at its default there, whatever was given for others.
Settings without_parameters_of_others(Settings settings);

}  // namespace symmbench
