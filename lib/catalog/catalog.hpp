#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

namespace symmbench {

// The catalogue: for each enumeration that a user names, one constexpr table of rows {value, name, about, now, ...}, in
// the order in which `list`, --help and the schemas show them. Command line, config keys, `list`, report rows, tuning
// tables and the schemas' enumerations read it. Behaviour stays with the module that has it, in a table keyed by the enum.

/// Whether `rows` has one row for each enumerator 0 ... N-1, in that order: what a lookup by value relies on.
template <class Row, std::size_t N>
consteval bool in_enum_order(const Row (&rows)[N]) {
  for (std::size_t i = 0; i < N; ++i) {
    if (static_cast<std::size_t>(rows[i].value) != i) return false;
  }
  return true;
}

/// Whether `rows`, a module's own table keyed by `kind`, has one row for each value that this version can run, in the
/// catalogue's order.
template <class Row, std::size_t N, class Own, std::size_t M>
consteval bool one_for_each_now(const Row (&catalogue)[N], const Own (&rows)[M]) {
  std::size_t next = 0;
  for (const Row& row : catalogue) {
    if (!row.now) continue;
    if (next == M || rows[next].kind != row.value) return false;
    ++next;
  }
  return next == M;
}

/// The row of a value. @pre in_enum_order(rows)
template <class Row, std::size_t N, class E>
constexpr const Row& row_of(const Row (&rows)[N], E value) {
  return rows[static_cast<std::size_t>(value)];
}

/// The row of a name, also of one that this version only knows; nullptr where there is none.
template <class Row, std::size_t N>
constexpr const Row* row_named(const Row (&rows)[N], std::string_view name) {
  for (const Row& row : rows) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

/// The value of a name that this version can run; nullopt otherwise.
template <class Row, std::size_t N>
constexpr auto value_named(const Row (&rows)[N], std::string_view name) {
  const Row* row = row_named(rows, name);
  return row != nullptr && row->now ? std::optional(row->value) : std::nullopt;
}

}  // namespace symmbench
