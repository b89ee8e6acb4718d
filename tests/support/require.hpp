#pragma once
#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>

namespace symmbench::test {

/// An assertion for threads and processes other than the test's main thread, where Catch2's macros must not be used.
/// Throws, with the place in the message.
inline void require(bool holds, std::string_view what = "",
                    const std::source_location& where = std::source_location::current()) {
  if (holds) return;
  throw std::logic_error(std::string(where.file_name()) + ":" + std::to_string(where.line()) + ": does not hold" +
                         (what.empty() ? "" : ": ") + std::string(what));
}

}  // namespace symmbench::test
