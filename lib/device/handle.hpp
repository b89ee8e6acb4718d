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

/// An exported handle. A descriptor is owned: exporting gives a new one each time.
using ShareableHandle = std::variant<UniqueFd, FabricBlob>;

inline HandleType type_of(const ShareableHandle& handle) {
  return std::holds_alternative<FabricBlob>(handle) ? HandleType::fabric : HandleType::posix_fd;
}

}  // namespace symmbench
