#pragma once
#include <span>
#include <string>

namespace symmbench {

/// A file of an archive, by its path within.
struct ArchivedFile {
  std::string name, text;
};

/// A gzip-compressed tar archive of `files`, in their order. @throws Error{report, internal} with the library's reason
std::string tar_gz(std::span<const ArchivedFile> files);

}  // namespace symmbench
