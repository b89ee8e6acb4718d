#include "report/table_columns.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace symmbench {
namespace {

constexpr std::size_t kLead = 2, kGap = 2;

std::size_t line_width(const std::vector<TableColumn>& columns) {
  std::size_t width = kLead;
  for (const auto& column : columns) width += column.in_row ? column.width + kGap : 0;
  return width - kGap;
}

}  // namespace

void fit(std::vector<TableColumn>& columns, std::size_t width) {
  for (auto& column : columns) column.width = std::max(column.width, column.title.size());
  for (const auto next :
       {GivesWay::type_and_place, GivesWay::pattern, GivesWay::algorithm, GivesWay::variant, GivesWay::pair}) {
    if (line_width(columns) <= width) return;
    for (auto& column : columns) column.in_row = column.in_row && column.gives_way != next;
  }
}

std::string row_line(const std::vector<TableColumn>& columns, std::string_view lead,
                     const std::vector<std::string>& cells, const std::string& last) {
  std::string line(lead);
  for (std::size_t i = 0; i + 1 < columns.size(); ++i) {
    const auto& column = columns[i];
    if (!column.in_row) continue;
    line += column.left ? fmt::format("{:<{}}", cells[i], column.width) : fmt::format("{:>{}}", cells[i], column.width);
    line.append(kGap, ' ');
  }
  return line + last;
}

std::string above_text(const std::vector<TableColumn>& columns, const std::vector<std::string>& cells) {
  std::string text;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].in_row || columns[i].gives_way == GivesWay::pair) continue;
    const bool is_place = columns[i].title == "place";
    text += fmt::format(", {}{}", cells[i], !is_place ? "" : cells[i] == "in" ? " place" : " of place");
  }
  return text;
}

bool in_rows(const std::vector<TableColumn>& columns, GivesWay kind) {
  return std::any_of(columns.begin(), columns.end(),
                     [&](const TableColumn& column) { return column.in_row && column.gives_way == kind; });
}

}  // namespace symmbench
