#include "app/terminal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include "core/unique_fd.hpp"

namespace symmbench {
namespace {

constexpr std::size_t kUsualWidth = 100;
constexpr std::size_t kLeastWidth = 20;  ///< less is no width that anybody reads a table in

/// What a process's descriptor stands for: "/dev/pts/3", "pipe:[123]"; empty where it cannot be seen.
std::string target_of(pid_t pid, int descriptor) {
  std::error_code failed;
  const auto target = std::filesystem::read_symlink(fmt::format("/proc/{}/fd/{}", pid, descriptor), failed);
  return failed ? "" : target.string();
}

/// 0 where it cannot be seen.
pid_t parent_of(pid_t pid) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string key; status >> key;) {
    if (pid_t parent = 0; key == "PPid:" && status >> parent) return parent;
  }
  return 0;
}

std::size_t columns_of(int descriptor) {
  winsize size{};
  return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace

Terminal terminal_behind(int descriptor) {
  if (::isatty(descriptor) == 0) return {};
  if (std::getenv("PMIX_RANK") == nullptr && std::getenv("PMI_RANK") == nullptr) {
    return {.watched = true, .columns = columns_of(descriptor)};
  }
  const std::string own = target_of(::getpid(), descriptor);
  pid_t ancestor = ::getppid();
  while (ancestor > 1 && target_of(ancestor, descriptor) == own) ancestor = parent_of(ancestor);
  const std::string theirs = target_of(ancestor, descriptor);
  if (!theirs.starts_with("/dev/pts/") && !theirs.starts_with("/dev/tty")) return {};
  const UniqueFd terminal(::open(theirs.c_str(), O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  return {.watched = true, .columns = terminal ? columns_of(terminal.get()) : 0};
}

std::size_t line_width(const Terminal& terminal, const char* columns_variable) {
  std::size_t width = 0;
  if (columns_variable != nullptr) {
    const std::string_view text(columns_variable);
    const auto read = std::from_chars(text.data(), text.data() + text.size(), width);
    if (read.ec != std::errc{} || read.ptr != text.data() + text.size()) width = 0;
  }
  if (width < kLeastWidth) width = terminal.columns;
  return width < kLeastWidth ? kUsualWidth : width;
}

bool shows_colour(const Terminal& terminal, const char* no_color, const char* term) {
  const bool refused = no_color != nullptr && *no_color != '\0';
  const bool dumb = term != nullptr && std::string_view(term) == "dumb";
  return rewrites_lines(terminal) && !refused && !dumb;
}

}  // namespace symmbench
