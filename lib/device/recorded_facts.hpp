#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "device/driver.hpp"

namespace symmbench {

// Facts that are recorded of a device and its libraries, and that decide nothing here.

/// A library as this process loads it.
struct LibraryFacts {
  std::string name;                    ///< as it is opened: "libcuda.so.1"
  std::optional<std::string> path;     ///< of the file, symbolic links followed
  std::optional<std::string> version;  ///< by its own word or its file's name; nullopt: neither says
  std::string unknown;                 ///< why there is no path; empty where there is
};

/// Whether the GPU is cut into instances (Multi-Instance GPU), and will be after its next reset.
struct MigMode {
  std::optional<bool> enabled, pending;
  std::string unknown;  ///< why `enabled` is nullopt; empty where it is not
};

/// What sizes of memory of one handle type must be multiples of.
struct HandleGranularity {
  HandleType handle = HandleType::posix_fd;
  std::optional<std::uint64_t> minimum, recommended;  ///< bytes
  std::string unknown;                                ///< why they are not known; empty where they are
};

/// Of every handle type that physical memory can be created for. A driver that refuses to answer is quoted.
std::vector<HandleGranularity> handle_granularities(Driver& driver);

}  // namespace symmbench
