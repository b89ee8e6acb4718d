#pragma once
#include <fmt/format.h>

#include <string_view>

namespace symmbench {

/// Diagnostics decide nothing: they go to stderr, unbuffered, and whatever becomes of them there (a full disk, a reader
/// that has left) is nobody's failure. Callable from any thread; a text goes out in one write(2), so that lines of
/// several processes do not mix.

/// As it is: no newline is added. Never throws.
void log_text(std::string_view text) noexcept;

/// A formatted line. Never throws: out of memory it says nothing.
template <class... Args>
void log_line(fmt::format_string<Args...> format, Args&&... args) noexcept {
  try {
    log_text(fmt::format(format, std::forward<Args>(args)...) + "\n");
  } catch (...) {  // NOLINT(bugprone-empty-catch): there is nobody to tell
  }
}

}  // namespace symmbench
