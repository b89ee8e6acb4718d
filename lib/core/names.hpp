#pragma once
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

namespace symmbench {

/// A two-way table between an enumeration and its spelling; one per enumeration, so text and code cannot drift.
template <class E, std::size_t N>
struct NameTable {
  std::array<std::pair<E, std::string_view>, N> rows;

  constexpr std::string_view name(E value) const {
    for (const auto& [key, text] : rows) {
      if (key == value) return text;
    }
    return "?";
  }
  constexpr std::optional<E> value(std::string_view name) const {
    for (const auto& [key, text] : rows) {
      if (text == name) return key;
    }
    return std::nullopt;
  }
};

template <class E, std::size_t N>
constexpr NameTable<E, N> name_table(const std::pair<E, std::string_view> (&rows)[N]) {
  NameTable<E, N> table{};
  for (std::size_t i = 0; i < N; ++i) table.rows[i] = rows[i];
  return table;
}

}  // namespace symmbench
