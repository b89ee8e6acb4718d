#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

/// A value of a document and the path to it, which every message begins with: "--tuning 'x.json': tables[0].dtype".
/// Every function throws Error{config, invalid_argument} for what the value is not.
struct DocumentPlace {
  const Json& json;
  std::string path;

  [[noreturn]] void fail(std::string_view problem) const;
  /// The same, with the value itself.
  [[noreturn]] void fail_value(std::string_view problem) const;

  /// The member of an object, which must be there.
  DocumentPlace at(const char* key) const;
  DocumentPlace element(std::size_t i) const;

  /// An object without other keys than these.
  void require_keys(std::initializer_list<const char*> allowed) const;
  /// A list that is not empty.
  void require_list() const;

  std::string name_of(const std::vector<std::string>& allowed) const;
  std::int64_t integer_of(std::int64_t low, std::int64_t high) const;
  double number_of(double low, double high) const;
  bool flag() const;
  std::string text() const;  ///< not empty
};

}  // namespace symmbench
