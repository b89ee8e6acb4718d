#include "core/log.hpp"

#include <unistd.h>

#include <cerrno>
#include <string>

namespace symmbench {
namespace {

/// What somebody typed, or what stands in a file, may be part of `text`: control characters as \n or \x1b, so that it stays
/// one line and moves no cursor; the beginning and the end where it is longer than any message of ours.
std::string one_line(std::string_view text) {
  constexpr std::size_t kLongest = 8000, kEnd = 1000;
  if (text.size() > kLongest) {
    return one_line(text.substr(0, kLongest - kEnd - 5)) + " ... " + one_line(text.substr(text.size() - kEnd));
  }
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      line += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      line += fmt::format("\\x{:02x}", byte);
    } else {
      line += c;
    }
  }
  return line;
}

void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

void log_text(std::string_view text) noexcept {
  try {
    const bool ends = text.ends_with('\n');
    write_all(one_line(ends ? text.substr(0, text.size() - 1) : text) + (ends ? "\n" : ""));
  } catch (...) {  // NOLINT(bugprone-empty-catch): out of memory, there is nobody to tell
  }
}

}  // namespace symmbench
