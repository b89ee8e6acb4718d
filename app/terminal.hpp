#pragma once
#include <cstddef>

namespace symmbench {

/// What is known of the terminal behind a descriptor.
struct Terminal {
  bool watched = false;     ///< a person sees what is written there
  std::size_t columns = 0;  ///< 0: not known
};

/// Open MPI gives each rank a terminal of its own for stdout, of no width, wherever mpirun's own goes: under a launcher the
/// descriptor of the first ancestor that has another one must be a terminal as well, and its width is the one that counts.
Terminal terminal_behind(int descriptor);

/// A line is rewritten where a person sees it, and not where the width says that it is no terminal after all.
inline bool rewrites_lines(const Terminal& terminal) { return terminal.watched && terminal.columns > 0; }

/// Characters that a line may take. `columns_variable` is COLUMNS of the environment, nullptr where it is unset: it is
/// taken before what the terminal says; where neither is known, 100.
std::size_t line_width(const Terminal& terminal, const char* columns_variable);

/// Where lines are rewritten colour shows, too, unless NO_COLOR is set to anything, or TERM to "dumb".
bool shows_colour(const Terminal& terminal, const char* no_color, const char* term);

}  // namespace symmbench
