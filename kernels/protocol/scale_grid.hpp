#pragma once
#include <cstdint>

#include "kernels/protocol/macros.hpp"

namespace symmbench {

enum class ScaleOrder : std::uint8_t { linear, tiles_128x4, tiles_8x4, packed_words };

/// Rows a scale_out in tiles of 8x4 may have here, a limit of our own: it is for small batches, whose tiles of 128 rows
/// would be padding for the most part.
inline constexpr std::uint64_t kMostRowsOf8x4 = 32;

/// Scales of one byte, one per group of neighbouring elements of a row, as they lie in scale_out.
///   linear        row * groups + group
///   128x4         tiles of 512 bytes, row of tiles by row of tiles; rows r, r + 32, r + 64, r + 96 of a tile side by side
///   8x4           tiles of 32 bytes, row by row within
///   packed_words  32-bit words of the scales of four neighbouring groups, word by word and in each row by row:
///                 word (group / 4) * (rows rounded up to 4) + row; what lies behind the last row of the last words is
///                 not part of it
struct ScaleGrid {
  ScaleOrder layout;
  std::uint64_t rows, groups;
  /// What fills up a row to whole words of four scales is written as 0. Packed words: in the rows that fill up all but
  /// the last words, too. All other padding is left as it was.
  bool zero_padding;

  SYMMBENCH_HD std::uint64_t words_of_row() const { return (groups + 3) / 4; }
  SYMMBENCH_HD std::uint64_t padded_groups() const {
    return layout == ScaleOrder::linear ? groups : words_of_row() * 4;
  }
  SYMMBENCH_HD std::uint64_t padded_rows() const {
    const std::uint64_t unit = layout == ScaleOrder::tiles_128x4    ? 128
                               : layout == ScaleOrder::tiles_8x4    ? 8
                               : layout == ScaleOrder::packed_words ? 4
                                                                    : 1;
    return (rows + unit - 1) / unit * unit;
  }
  /// Of one scale, padding included. @pre within padded_rows() and padded_groups()
  SYMMBENCH_HD std::uint64_t offset(std::uint64_t row, std::uint64_t group) const {
    const std::uint64_t word = group / 4, byte = group % 4;
    switch (layout) {
      case ScaleOrder::linear:
        break;
      case ScaleOrder::tiles_128x4:
        return row / 128 * words_of_row() * 512 + word * 512 + row % 32 * 16 + row % 128 / 32 * 4 + byte;
      case ScaleOrder::tiles_8x4:
        return row / 8 * words_of_row() * 32 + word * 32 + row % 8 * 4 + byte;
      case ScaleOrder::packed_words:
        return (word * padded_rows() + row) * 4 + byte;
    }
    return row * groups + group;
  }
  SYMMBENCH_HD std::uint64_t bytes() const {
    if (layout != ScaleOrder::packed_words) return padded_rows() * padded_groups();
    return ((words_of_row() - 1) * padded_rows() + rows) * 4;
  }
};

/// Stores the scale of one group, and with that of a row's last group what fills up the row; with that of the last row
/// what fills up the rows.
template <class Ops>
SYMMBENCH_FN void store_scale(Ops& ops, std::uint64_t scale_out, const ScaleGrid& grid, std::uint64_t row,
                              std::uint64_t group, std::uint32_t code) {
  ops.store_byte(scale_out + grid.offset(row, group), code);
  if (!grid.zero_padding) return;
  if (group == grid.groups - 1) {
    for (std::uint64_t padding = grid.groups; padding < grid.padded_groups(); ++padding) {
      ops.store_byte(scale_out + grid.offset(row, padding), 0);
    }
  }
  const bool fills_rows = grid.layout == ScaleOrder::packed_words && row == grid.rows - 1 && group % 4 == 0;
  if (!fills_rows || group / 4 == grid.words_of_row() - 1) return;
  for (std::uint64_t padding = grid.rows; padding < grid.padded_rows(); ++padding) {
    ops.store_word(scale_out + grid.offset(padding, group), 0);
  }
}

}  // namespace symmbench
