#pragma once
#include <cstdint>

#include "catalog/catalog.hpp"

namespace symmbench {

/// Where the scales of groups of elements lie in scale_out, as far as a user chooses.
enum class ScaleLayout : std::uint8_t {
  linear,
  tiles_128x4,
  tiles_8x4,
};

struct ScaleLayoutRow {
  ScaleLayout value;
  std::string_view name;
  std::string_view about;
  bool now = true;
};

inline constexpr ScaleLayoutRow kScaleLayouts[] = {
    {ScaleLayout::linear, "linear", "row by row"},
    {ScaleLayout::tiles_128x4, "128x4", "tiles of 128 rows by 4 scales"},
    {ScaleLayout::tiles_8x4, "8x4", "tiles of 8 rows by 4 scales, for up to 32 rows; NVFP4 only"},
};
static_assert(in_enum_order(kScaleLayouts));

constexpr std::string_view name_of(ScaleLayout layout) { return row_of(kScaleLayouts, layout).name; }
constexpr std::optional<ScaleLayout> scale_layout_from(std::string_view name) {
  return value_named(kScaleLayouts, name);
}

}  // namespace symmbench
