#pragma once
#include <cstdint>

#include "catalog/catalog.hpp"

namespace symmbench {

/// How a memory handle travels between processes.
enum class HandleType : std::uint8_t {
  posix_fd,  ///< a file descriptor, within one OS image
  fabric,    ///< 64 opaque bytes, within one NVLink domain
  cuda_ipc,  ///< 64 opaque bytes, within one OS image: names a whole allocation of local memory
};

struct HandleTypeRow {
  HandleType value;
  std::string_view name;
  std::string_view about;
  bool across_hosts;  ///< false: within one OS image only
  bool now = true;
};

inline constexpr HandleTypeRow kHandleTypes[] = {
    {HandleType::posix_fd, "posix_fd", "POSIX file descriptors: ranks of one host", false},
    {HandleType::fabric, "fabric", "fabric handles: ranks of one NVLink domain, also across hosts", true},
    {HandleType::cuda_ipc, "cuda_ipc", "IPC handles of cuMemAlloc's memory: ranks of one host", false},
};
static_assert(in_enum_order(kHandleTypes));

constexpr std::string_view name_of(HandleType type) { return row_of(kHandleTypes, type).name; }
constexpr std::optional<HandleType> handle_type_from(std::string_view name) { return value_named(kHandleTypes, name); }

}  // namespace symmbench
