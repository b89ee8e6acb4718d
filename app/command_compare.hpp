#pragma once

namespace symmbench {

struct ParsedCommand;

/// `symmbench compare A.json B.json`: what differs between two reports, as text, JSON or Markdown on stdout. Exit code 0;
/// with --max-regress 1 when a case of B is proven slower than allowed, 3 when none can be judged.
/// @throws Error{config, ...} (exit code 2) for files and options that make no comparison, or no gate
int command_compare(const ParsedCommand& parsed);

}  // namespace symmbench
