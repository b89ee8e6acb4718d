#include "journal/record_reader.hpp"

#include <fmt/format.h>

#include <limits>

namespace symmbench {

RecordReader::RecordReader(const Json& json, std::string_view type) : json_(json), type_(type) {
  if (!json.is_object()) fail("type", "a JSON object");
  if (text("type") != type) fail("type", fmt::format("\"{}\"", type));
}

void RecordReader::fail(const char* key, std::string_view expected) const {
  throw Error({.layer = Layer::report,
               .reason = Reason::invalid_argument,
               .detail = fmt::format("journal record '{}': key '{}' must be {}", type_, key, expected)});
}

const Json& RecordReader::required(const char* key, std::string_view expected) const {
  const auto it = json_.find(key);
  if (it == json_.end()) fail(key, fmt::format("{}, but is missing", expected));
  return *it;
}

bool RecordReader::absent(const char* key) const {
  const auto it = json_.find(key);
  return it == json_.end() || it->is_null();
}

std::string RecordReader::text(const char* key) const {
  const Json& found = required(key, "text");
  if (!found.is_string()) fail(key, "text");
  return found.get<std::string>();
}

bool RecordReader::flag(const char* key) const {
  const Json& found = required(key, "true or false");
  if (!found.is_boolean()) fail(key, "true or false");
  return found.get<bool>();
}

int RecordReader::integer(const char* key) const {
  const Json& found = required(key, "an integer");
  if (!found.is_number_integer()) fail(key, "an integer");
  const auto number = found.get<std::int64_t>();
  if (number < std::numeric_limits<int>::min() || number > std::numeric_limits<int>::max()) {
    fail(key, "an integer of 32 bits");
  }
  return static_cast<int>(number);
}

std::uint64_t RecordReader::count(const char* key) const {
  const Json& found = required(key, "a count");
  // Parsed text gives unsigned, values made in memory may be signed; negative ones are never a count.
  const bool good = found.is_number_unsigned() || (found.is_number_integer() && found.get<std::int64_t>() >= 0);
  if (!good) fail(key, "a count (an integer, zero or more)");
  return found.get<std::uint64_t>();
}

const Json& RecordReader::array(const char* key) const {
  const Json& found = required(key, "a list");
  if (!found.is_array()) fail(key, "a list");
  return found;
}

std::vector<double> RecordReader::numbers(const char* key) const {
  std::vector<double> values;
  for (const Json& element : array(key)) {
    if (!element.is_number()) fail(key, "a list of numbers");
    values.push_back(element.get<double>());
  }
  return values;
}

std::vector<std::string> RecordReader::texts(const char* key) const {
  std::vector<std::string> values;
  for (const Json& element : array(key)) {
    if (!element.is_string()) fail(key, "a list of texts");
    values.push_back(element.get<std::string>());
  }
  return values;
}

Json RecordReader::value(const char* key) const {
  const auto it = json_.find(key);
  return it == json_.end() ? Json(nullptr) : *it;
}

std::optional<std::string> RecordReader::optional_text(const char* key) const {
  return absent(key) ? std::nullopt : std::optional(text(key));
}

std::optional<double> RecordReader::optional_number(const char* key) const {
  if (absent(key)) return std::nullopt;
  const Json& found = json_.at(key);
  if (!found.is_number()) fail(key, "a number or null");
  return found.get<double>();
}

Failure RecordReader::failure(const char* key) const {
  const Json& found = required(key, "a failure");
  if (!found.is_object()) fail(key, "a failure");
  return failure_from_json(found);
}

std::optional<Failure> RecordReader::optional_failure(const char* key) const {
  return absent(key) ? std::nullopt : std::optional(failure(key));
}

}  // namespace symmbench
