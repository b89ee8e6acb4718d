#include "device/host/fabric_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "core/error.hpp"

namespace symmbench {
namespace {

constexpr std::string_view kPrefix = "symmbench-fabric-";

std::string path_of(const std::string& folder, std::uint64_t inode) {
  return fmt::format("{}/{}{}", folder, kPrefix, inode);
}

[[noreturn]] void fail(const std::string& call, const std::string& folder, int error) {
  throw Error(
      {.layer = Layer::environment,
       .reason = error == ENOSPC || error == EMFILE || error == ENFILE ? Reason::capacity_exceeded : Reason::io_error,
       .call = call,
       .detail = fmt::format("{}={}: {}", kFabricFolderVariable, folder, std::strerror(error)),
       .code = error});
}

/// Whose owner is gone: nobody holds its lock any more.
void remove_left_behind(const std::string& folder) {
  std::error_code unreadable;
  for (const auto& entry : std::filesystem::directory_iterator(folder, unreadable)) {
    if (!entry.path().filename().string().starts_with(kPrefix)) continue;
    const UniqueFd file(::open(entry.path().c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(entry.path().c_str());
  }
}

}  // namespace

std::string fabric_folder() {
  const char* folder = std::getenv(kFabricFolderVariable);
  return folder ? folder : "";
}

FolderEntry::~FolderEntry() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

std::pair<UniqueFd, FolderEntry> create_fabric_file(const std::string& folder, std::uint64_t bytes) {
  remove_left_behind(folder);
  std::string path = folder + "/symmbench-new-XXXXXX";
  UniqueFd file(::mkostemp(path.data(), O_CLOEXEC));
  if (!file) fail("mkostemp", folder, errno);
  FolderEntry unnamed(path);
  struct stat status {};
  // All of it now: a page that the folder has no room for later would end the process.
  if (const int error = ::posix_fallocate(file.get(), 0, static_cast<off_t>(bytes)); error != 0) {
    fail("posix_fallocate", folder, error);
  }
  if (::flock(file.get(), LOCK_SH | LOCK_NB) != 0) fail("flock", folder, errno);
  if (::fstat(file.get(), &status) != 0) fail("fstat", folder, errno);
  const std::string name = path_of(folder, status.st_ino);
  if (::link(path.c_str(), name.c_str()) != 0) fail("link", folder, errno);
  return {std::move(file), FolderEntry(name)};
}

UniqueFd open_fabric_file(const std::string& folder, std::uint64_t inode) {
  UniqueFd file(::open(path_of(folder, inode).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return {};
  if (status.st_uid == ::geteuid()) return file;
  errno = EPERM;
  return {};
}

}  // namespace symmbench
