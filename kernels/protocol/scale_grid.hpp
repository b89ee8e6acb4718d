#pragma once
#include <cstdint>

#include "kernels/protocol/message.hpp"

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
  /// Of one scale, padding included; in 32 bits, since it is computed per packet. @pre within padded_rows() and
  /// padded_groups(), and bytes() below 2^32
  SYMMBENCH_HD std::uint64_t offset(std::uint64_t in_row, std::uint64_t in_group) const {
    const auto words = static_cast<std::uint32_t>(words_of_row());
    const auto row = static_cast<std::uint32_t>(in_row), group = static_cast<std::uint32_t>(in_group);
    const std::uint32_t word = group / 4, byte = group % 4;
    switch (layout) {
      case ScaleOrder::linear:
        break;
      case ScaleOrder::tiles_128x4:
        return (row / 128 * words + word) * 512 + row % 32 * 16 + row % 128 / 32 * 4 + byte;
      case ScaleOrder::tiles_8x4:
        return (row / 8 * words + word) * 32 + row % 8 * 4 + byte;
      case ScaleOrder::packed_words:
        return (word * static_cast<std::uint32_t>(padded_rows()) + row) * 4 + byte;
    }
    return row * static_cast<std::uint32_t>(groups) + group;
  }
  SYMMBENCH_HD std::uint64_t bytes() const {
    if (layout != ScaleOrder::packed_words) return padded_rows() * padded_groups();
    return ((words_of_row() - 1) * padded_rows() + rows) * 4;
  }
};

/// The shift by which one divides by a power of two.
SYMMBENCH_HD constexpr std::uint32_t shift_of(std::uint32_t power) {
  std::uint32_t shift = 0;
  while (1u << shift < power) ++shift;
  return shift;
}

/// Address of the scale of the group of 2^shift packets that a packet belongs to.
SYMMBENCH_HD std::uint64_t scale_place(std::uint64_t scale_out, const ScaleGrid& grid, const PacketRef& ref,
                                       std::uint32_t shift) {
  return scale_out + grid.offset(ref.row, static_cast<std::uint32_t>(ref.column) >> shift);
}

/// The first packet of a group stores its scale at `place`, and with that of a row's last group what fills up the row;
/// with that of the last row what fills up the rows. What fills up lies behind it: bytes of the same word, words of rows.
template <class Ops>
SYMMBENCH_FN void store_scale(Ops& ops, std::uint64_t place, const ScaleGrid& grid, const PacketRef& ref,
                              std::uint32_t shift, std::uint32_t code) {
  const auto column = static_cast<std::uint32_t>(ref.column);
  const std::uint32_t group = column >> shift;
  if (group << shift != column) return;
  ops.store_byte(place, code);
  if (!grid.zero_padding) return;
  if (group == grid.groups - 1) {
    const auto missing = static_cast<std::uint32_t>(grid.padded_groups() - grid.groups);
    for (std::uint32_t i = 1; i <= missing; ++i) ops.store_byte(place + i, 0);
  }
  const bool fills_rows = grid.layout == ScaleOrder::packed_words && ref.row == grid.rows - 1 && group % 4 == 0;
  if (!fills_rows || group / 4 == grid.words_of_row() - 1) return;
  const auto missing = static_cast<std::uint32_t>(grid.padded_rows() - grid.rows);
  for (std::uint32_t i = 1; i <= missing; ++i) ops.store_word(place + static_cast<std::uint64_t>(4 * i), 0);
}

}  // namespace symmbench
