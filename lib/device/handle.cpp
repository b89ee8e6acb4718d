#include "device/handle.hpp"

#include "core/names.hpp"

namespace symmbench {
namespace {
constexpr auto kTypes = name_table<HandleType>({{HandleType::posix_fd, "posix_fd"}, {HandleType::fabric, "fabric"}});
}

std::string_view name_of(HandleType type) { return kTypes.name(type); }
std::optional<HandleType> handle_type_from(std::string_view name) { return kTypes.value(name); }

HandleType type_of(const ShareableHandle& handle) {
  return std::holds_alternative<FabricBlob>(handle) ? HandleType::fabric : HandleType::posix_fd;
}

}  // namespace symmbench
