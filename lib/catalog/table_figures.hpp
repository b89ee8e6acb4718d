#pragma once
#include <cstdint>

#include "catalog/catalog.hpp"

namespace symmbench {

enum class TableFigure : std::uint8_t { algbw, busbw, of_limit };

/// A further figure that the table on the terminal shows for each allocator where --columns asks for it.
struct TableFigureRow {
  TableFigure value;
  std::string_view name;
  std::string_view about;
  std::string_view key;  ///< of a row of results[]; null on the emulated device
  bool now = true;
};

inline constexpr TableFigureRow kTableFigures[] = {
    {TableFigure::algbw, "algbw", "message bytes / time, GB/s", "algbw_gbs"},
    {TableFigure::busbw, "busbw", "algbw x 2(n-1)/n, GB/s", "busbw_gbs"},
    {TableFigure::of_limit, "of_limit", "least possible time / time", "of_limit"},
};
static_assert(in_enum_order(kTableFigures));

}  // namespace symmbench
