#include "bench/open_descriptors.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string_view>

namespace symmbench {
namespace {

/// This folder's own descriptor, or that of another thread which counts at the same time.
bool is_the_count_itself(int folder, const char* name) {
  std::array<char, 64> target;
  const auto length = ::readlinkat(folder, name, target.data(), target.size());
  if (length <= 0) return true;  // "." and "..", or closed meanwhile
  const std::string_view path(target.data(), static_cast<std::size_t>(length));
  return path.starts_with("/proc/") && path.ends_with("/fd");
}

}  // namespace

std::int64_t open_descriptors() {
  std::int64_t count = 0;
  if (DIR* folder = ::opendir("/proc/self/fd")) {
    while (const dirent* entry = ::readdir(folder)) {
      if (!is_the_count_itself(::dirfd(folder), entry->d_name)) ++count;
    }
    ::closedir(folder);
  }
  return count;
}

}  // namespace symmbench
