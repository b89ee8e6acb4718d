#pragma once
#include <string>
#include <vector>

#include "app/cli.hpp"

namespace symmbench {

/// What a document was taken for, and what is wrong with it: one line each, beginning with the place.
struct Validation {
  std::string kind;  ///< "report", "config" or "tuning"
  std::vector<std::string> violations;
};

/// Reads `path` and holds it against the schema that its content calls for: a report has "schema_version" or "results",
/// a tuning table "tables". A config must also resolve, which finds sizes that contradict each other, and says
/// better than a schema what is allowed; a tuning table must be one that --tuning takes, with ascending bounds.
/// @throws Error{config, ...} when the file cannot be read or is not JSON, with line and column
Validation validate_file(const std::string& path);

/// Prints a verdict on each file to stdout; 0 all are valid, 1 one is not. Unreadable files go to stderr; 2 where none
/// is invalid.
int command_validate(const ParsedCommand& parsed);

/// `violations` as they are printed: those that differ in positions of a list only are told three times, then counted.
std::vector<std::string> shown_violations(const std::vector<std::string>& violations);

}  // namespace symmbench
