#pragma once
#include <cstdint>

#include "catalog/catalog.hpp"

namespace symmbench {

/// How PyTorch's symmetric memory lays a block out, by the first release that has it in the way described or the last.
enum class TorchLayout : std::uint8_t { v2_13, v2_14 };

struct TorchLayoutRow {
  TorchLayout value;
  std::string_view name;
  std::string_view about;
  bool now = true;
  bool pad_first = true;          ///< the signal pad comes before the data
  bool rdma_by_attribute = true;  ///< GPUDirect RDMA as the device's attribute says; else never
  bool clears_block = false;      ///< all of the block is cleared; else its pad alone
};

inline constexpr TorchLayoutRow kTorchLayouts[] = {
    {.value = TorchLayout::v2_13,
     .name = "2.13",
     .about =
         "PyTorch up to 2.13: data first, the signal pad behind them, the whole block cleared, GPUDirect RDMA never "
         "asked for",
     .pad_first = false,
     .rdma_by_attribute = false,
     .clears_block = true},
    {.value = TorchLayout::v2_14,
     .name = "2.14",
     .about = "PyTorch from 2.14 on: the signal pad first and it alone cleared, GPUDirect RDMA as the device's "
              "attribute says"},
};
static_assert(in_enum_order(kTorchLayouts));

constexpr std::string_view name_of(TorchLayout layout) { return row_of(kTorchLayouts, layout).name; }
constexpr std::optional<TorchLayout> torch_layout_from(std::string_view name) {
  return value_named(kTorchLayouts, name);
}

}  // namespace symmbench
