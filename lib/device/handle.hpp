#pragma once
#include <array>
#include <cstddef>
#include <variant>

#include "catalog/handles.hpp"
#include "core/unique_fd.hpp"

namespace symmbench {

struct FabricBlob {
  std::array<std::byte, 64> bytes{};
};

/// What Driver::export_ipc() gives. (CUipcMemHandle)
struct IpcBlob {
  std::array<std::byte, 64> bytes{};
};

/// A handle on its way to another process. A descriptor is owned: exporting gives a new one each time.
using ShareableHandle = std::variant<UniqueFd, FabricBlob, IpcBlob>;

inline HandleType type_of(const ShareableHandle& handle) {
  if (std::holds_alternative<IpcBlob>(handle)) return HandleType::cuda_ipc;
  return std::holds_alternative<FabricBlob>(handle) ? HandleType::fabric : HandleType::posix_fd;
}

}  // namespace symmbench
