#pragma once
#include <cstdint>
#include <string_view>

#include "core/unique_fd.hpp"
#include "device/driver.hpp"
#include "device/handle.hpp"
#include "device/host/emulated_fabric.hpp"
#include "device/host/fabric_folder.hpp"

namespace symmbench {

/// Physical memory of the emulated device: a memfd of fixed size. Its seals (no shrinking, no growing, no more seals)
/// make a mapping safe to touch and mark the file as ours. Or, of fabric memory where hosts are containers, a file.
struct HostMemory {
  UniqueFd fd;
  std::uint64_t bytes = 0;
  HandleType handle = HandleType::posix_fd;
  bool imported = false;   ///< a peer pays for it
  FolderEntry entry = {};  ///< in fabric_folder(); empty: a memfd
};

/// `file_name` is what /proc shows of it. @pre bytes is a multiple of the page size
/// @throws Error{environment, capacity_exceeded} when the process or the machine is out of descriptors
HostMemory create_host_memory(std::uint64_t bytes, HandleType handle, const char* file_name = "symmbench");

/// A new handle for `memory` of a GPU at `place`, which a fabric handle names. Only while its descriptor is open.
ShareableHandle export_host_memory(const HostMemory& memory, const EmulatedPlace& place = {});

/// The memory behind a handle that export_host_memory() gave, here or in another process of this OS.
/// A fabric blob names the exporter's process and descriptor, or the file in fabric_folder(), so the exporter must still hold
/// the memory.
/// @throws Error{driver, invalid_handle} when it is none of ours, an IPC handle, not a multiple of `granularity`, or a
/// fabric handle of a place that `place` does not reach
HostMemory import_host_memory(const ShareableHandle& handle, std::uint64_t granularity,
                              const EmulatedPlace& place = {});

/// For a system call that has just failed: throws capacity_exceeded for EMFILE and ENFILE, naming the limits, and
/// io_error otherwise.
[[noreturn]] void throw_system_error(std::string_view call, int error);

/// The same for mmap and mprotect, which fail with ENOMEM when the process has too many mappings; that is no lack of
/// device memory but Error{environment, capacity_exceeded}.
[[noreturn]] void throw_mapping_error(std::string_view call, int error);

}  // namespace symmbench
