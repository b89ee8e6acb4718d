#pragma once
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <string>

#include "core/unique_fd.hpp"

namespace symmbench::test {

/// How many descriptors this process has open; a leak check is the same figure before and after.
inline long open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
}

/// An anonymous file that holds `text`: something to pass around and to recognise.
inline UniqueFd file_with_text(const std::string& text) {
  UniqueFd fd(::memfd_create("symmbench-test", MFD_CLOEXEC));
  if (::pwrite(fd.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) return {};
  return fd;
}

inline std::string text_of_file(const UniqueFd& fd) {
  std::string text(256, '\0');
  const auto length = ::pread(fd.get(), text.data(), text.size(), 0);
  text.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
  return text;
}

}  // namespace symmbench::test
