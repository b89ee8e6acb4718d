#include "core/fitted.hpp"

#include <algorithm>

#include "core/text.hpp"

namespace symmbench {
namespace {

/// Where the text of a line begins, under which its further lines hang: behind its last gap of two blanks in the left
/// half, else two further in than the line itself.
std::size_t hang_of(std::string_view line, std::size_t columns) {
  const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
  const std::size_t gap = line.substr(0, columns / 2).rfind("  ");
  const bool inside = gap != std::string_view::npos && gap > indent;
  return inside ? std::min(line.find_first_not_of(' ', gap), columns / 2) : indent + 2;
}

std::string fitted_line(std::string_view line, std::size_t columns) {
  const std::size_t hang = hang_of(line, columns);
  std::string text, now(line.substr(0, std::min(hang, line.size())));
  bool empty = true;  // `now` has no word behind `hang` yet
  for (const auto& word : split_list(line.substr(now.size()), ' ')) {
    if (!empty && now.size() + 1 + word.size() > columns) {
      text += now + "\n";
      now.assign(hang, ' ');
      empty = true;
    }
    if (!empty) now += ' ';
    now += word;
    empty = false;
  }
  return text + now;
}

}  // namespace

std::string fitted(std::string_view text, std::size_t columns) {
  if (columns == 0) return std::string(text);
  std::string all;
  for (const auto& line : split_list(text, '\n')) {
    all += (line.size() <= columns ? line : fitted_line(line, columns)) + "\n";
  }
  all.pop_back();
  return all;
}

}  // namespace symmbench
