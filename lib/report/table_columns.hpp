#pragma once
#include <string>
#include <vector>

#include "catalog/table_figures.hpp"

namespace symmbench {

/// How a table is shown.
struct TableLook {
  std::size_t width = 100;  ///< characters that a line may take
  bool colour = false;
  bool verbose = false;              ///< intervals and reasons under each case
  std::vector<TableFigure> figures;  ///< further ones, for each allocator
};

/// In which order columns give way where a line would be too long. The cells of most then stand above the rows that have
/// them in common, those of `pair` under each row.
enum class GivesWay { never, type_and_place, pattern, algorithm, variant, pair };

struct TableColumn {
  std::string title;
  std::size_t width = 0;  ///< at least the title's
  bool left = false;
  GivesWay gives_way = GivesWay::never;
  bool in_row = true;
};

/// Takes columns out of the rows until a line has at most `width` characters, or none is left that can give way.
void fit(std::vector<TableColumn>& columns, std::size_t width);

/// The cells of the columns that are in the row, as a line without its end; each of `cells` belongs to the column of its
/// index. What is too long for its column shifts the others. `last` is how the last cell looks.
std::string row_line(const std::vector<TableColumn>& columns, std::string_view lead,
                     const std::vector<std::string>& cells, const std::string& last);

/// The cells of the columns that gave way to above the rows: ", bf16, out of place".
std::string above_text(const std::vector<TableColumn>& columns, const std::vector<std::string>& cells);

/// Whether columns of this kind are in the rows.
bool in_rows(const std::vector<TableColumn>& columns, GivesWay kind);

}  // namespace symmbench
