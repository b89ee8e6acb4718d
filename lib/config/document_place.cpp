#include "config/document_place.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "config/option_value.hpp"
#include "core/shown_text.hpp"
#include "core/text.hpp"

namespace symmbench {

void DocumentPlace::fail(std::string_view problem) const { fail_config(fmt::format("{}: {}", path, problem)); }

void DocumentPlace::fail_value(std::string_view problem) const {
  const auto text = json.is_string() ? json.get<std::string>() : json.dump();
  fail_config(fmt::format("{}: '{}': {}", path, in_short(text), problem));
}

DocumentPlace DocumentPlace::at(const char* key) const {
  const auto found = json.find(key);
  if (found == json.end()) fail(fmt::format("'{}' is missing", key));
  return {*found, fmt::format("{}{}{}", path, path.ends_with("'") ? ": " : ".", key)};
}

DocumentPlace DocumentPlace::element(std::size_t i) const { return {json[i], fmt::format("{}[{}]", path, i)}; }

void DocumentPlace::require_keys(std::initializer_list<const char*> allowed) const {
  if (!json.is_object()) fail("must be an object");
  const std::vector<std::string> names(allowed.begin(), allowed.end());
  for (const auto& [key, value] : json.items()) {
    if (std::find(names.begin(), names.end(), key) != names.end()) continue;
    const auto nearest = nearest_name(key, names);
    fail(fmt::format("unknown key '{}'{}", key,
                     nearest ? fmt::format("; did you mean '{}'?", *nearest)
                             : fmt::format("; allowed: {}", fmt::join(names, ", "))));
  }
}

void DocumentPlace::require_list() const {
  if (!json.is_array() || json.empty()) fail("must be a list of at least one object");
}

std::string DocumentPlace::name_of(const std::vector<std::string>& allowed) const {
  const bool known =
      json.is_string() && std::find(allowed.begin(), allowed.end(), json.get<std::string>()) != allowed.end();
  if (!known) fail_value(fmt::format("not one of {}", fmt::join(allowed, ", ")));
  return json.get<std::string>();
}

std::int64_t DocumentPlace::integer_of(std::int64_t low, std::int64_t high) const {
  const bool fits = json.is_number_integer() &&
                    !(json.is_number_unsigned() && json.get<std::uint64_t>() > std::uint64_t{1} << 62) &&
                    json.get<std::int64_t>() >= low && json.get<std::int64_t>() <= high;
  if (!fits) fail_value(fmt::format("must be a whole number from {} to {}", low, high));
  return json.get<std::int64_t>();
}

double DocumentPlace::number_of(double low, double high) const {
  const bool fits = json.is_number() && json.get<double>() >= low && json.get<double>() <= high;
  if (!fits) fail_value(fmt::format("must be a number from {} to {}", low, high));
  return json.get<double>();
}

bool DocumentPlace::flag() const {
  if (!json.is_boolean()) fail("must be true or false");
  return json.get<bool>();
}

std::string DocumentPlace::text() const {
  if (!json.is_string() || json.get<std::string>().empty()) fail("must be a text");
  return json.get<std::string>();
}

}  // namespace symmbench
