#pragma once
#include <cstdint>
#include <string>
#include <utility>

#include "core/unique_fd.hpp"

namespace symmbench {

/// Names the folder that stands for the emulated fabric where hosts are containers: processes of one machine that cannot see
/// each other's. Unset: fabric memory is reached through /proc, within one PID namespace.
inline constexpr const char* kFabricFolderVariable = "SYMMBENCH_FABRIC_FOLDER";
/// As the variable says; "" where it says nothing.
std::string fabric_folder();

/// The name of a file in a folder; taken away with this object. Move-only.
class FolderEntry {
 public:
  FolderEntry() = default;
  explicit FolderEntry(std::string path) : path_(std::move(path)) {}
  FolderEntry(FolderEntry&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  FolderEntry& operator=(FolderEntry&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~FolderEntry();
  explicit operator bool() const { return !path_.empty(); }

 private:
  std::string path_;
};

/// Of `bytes`, zeros, in `folder`; locked as long as its descriptor is open. What a process left there that was killed goes
/// first. @throws Error{environment, io_error or capacity_exceeded} naming the folder
std::pair<UniqueFd, FolderEntry> create_fabric_file(const std::string& folder, std::uint64_t bytes);

/// The file of this inode that create_fabric_file() made there for the same user; none: errno says why.
UniqueFd open_fabric_file(const std::string& folder, std::uint64_t inode);

}  // namespace symmbench
