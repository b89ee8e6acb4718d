#pragma once
#include <cstdint>

#include "catalog/catalog.hpp"

namespace symmbench {

/// Whether multicast was asked for.
enum class MulticastMode : std::uint8_t { off, on, automatic };

struct MulticastModeRow {
  MulticastMode value;
  std::string_view name;
  std::string_view about;
  bool now = true;
};

inline constexpr MulticastModeRow kMulticastModes[] = {
    {MulticastMode::off, "off", "peer-to-peer stores and loads only"},
    {MulticastMode::on, "on",
     "transport multicast: one store reaches all ranks. Emulated device only; what cannot run so is skipped, and not "
     "tested where a variable forbids it"},
    {MulticastMode::automatic, "auto", "transport multicast where it can be used, else unicast, and the row says why"},
};
static_assert(in_enum_order(kMulticastModes));

constexpr std::string_view name_of(MulticastMode mode) { return row_of(kMulticastModes, mode).name; }
constexpr std::optional<MulticastMode> multicast_mode_from(std::string_view name) {
  return value_named(kMulticastModes, name);
}

/// A variable by which an environment forbids multicast to a library, and so to us.
struct MulticastVariable {
  std::string_view name;
  std::string_view off;  ///< the value that does
  bool disables;         ///< it says what is off, not what is on
};

inline constexpr MulticastVariable kMulticastVariables[] = {
    {"NCCL_NVLS_ENABLE", "0", false},
    {"TORCH_SYMM_MEM_DISABLE_MULTICAST", "1", true},
    {"NVSHMEM_DISABLE_NVLS", "1", true},
};

}  // namespace symmbench
