#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

/// Reads the keys of one record and says which record and which key is at fault. Keys that it is not asked for are
/// ignored, so that an older reader takes a newer journal.
class RecordReader {
 public:
  /// @throws Error{report, invalid_argument} unless `json` is an object whose "type" is `type`
  RecordReader(const Json& json, std::string_view type);

  /// @throws Error{report, invalid_argument} when the key is missing or of another type, also from all functions below
  std::string text(const char* key) const;
  bool flag(const char* key) const;
  int integer(const char* key) const;
  std::uint64_t count(const char* key) const;
  std::vector<double> numbers(const char* key) const;
  std::vector<std::string> texts(const char* key) const;
  const Json& array(const char* key) const;
  /// Any JSON value; null when the key is missing.
  Json value(const char* key) const;

  /// Null and missing are nullopt.
  std::optional<std::string> optional_text(const char* key) const;
  std::optional<double> optional_number(const char* key) const;
  std::optional<Failure> optional_failure(const char* key) const;
  Failure failure(const char* key) const;

  [[noreturn]] void fail(const char* key, std::string_view expected) const;

 private:
  const Json& required(const char* key, std::string_view expected) const;
  bool absent(const char* key) const;

  const Json& json_;
  std::string type_;
};

}  // namespace symmbench
