#pragma once

namespace symmbench {

struct ParsedCommand;

/// `symmbench threshold --from REPORT...`: limits out of good reports, to -o FILE or stdout. Rows that make no limit are
/// named on stderr. Exit code 0.
/// @throws Error{config, ...} (exit code 2) for reports that make no limits, Error{report, io_error} for a file that cannot
/// be written
int command_threshold(const ParsedCommand& parsed);

}  // namespace symmbench
