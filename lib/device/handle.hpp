#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "core/unique_fd.hpp"

namespace symmbench {

/// How a memory handle travels between processes.
enum class HandleType : std::uint8_t {
  posix_fd,  ///< a file descriptor, within one OS image
  fabric,    ///< 64 opaque bytes, within one NVLink domain
};

std::string_view name_of(HandleType type);
std::optional<HandleType> handle_type_from(std::string_view name);

struct FabricBlob {
  std::array<std::byte, 64> bytes{};
};

/// An exported handle. A descriptor is owned: exporting gives a new one each time.
using ShareableHandle = std::variant<UniqueFd, FabricBlob>;

HandleType type_of(const ShareableHandle& handle);

}  // namespace symmbench
