#pragma once
#include <string>
#include <string_view>

#include "app/cli.hpp"

namespace symmbench {

/// What `word` means: a word of the glossary, a name of the catalogue (allocator, workspace, algorithm, pattern, handle), a
/// fault, a check, or an option of `run`, whatever its case and with '-' for '_'.
/// @throws Error{config, invalid_argument} for a word that is none of them, naming the nearest
std::string explanation_of(std::string_view word);

/// Prints to stdout; 0.
int command_explain(const ParsedCommand& parsed);

}  // namespace symmbench
