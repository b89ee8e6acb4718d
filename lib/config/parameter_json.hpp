#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "catalog/scale_layouts.hpp"
#include "core/json.hpp"

namespace symmbench {

// Values of PatternParameters as text and JSON.

/// As double: the shortest text of the float, not its digits in binary.
inline Json parameter_json(float value) { return std::stod(fmt::format("{}", value)); }
inline Json parameter_json(std::uint32_t value) { return value; }
inline Json parameter_json(ScaleLayout value) { return name_of(value); }

template <class V>
std::string parameter_text(V value) {
  return fmt::format("{}", value);
}
inline std::string parameter_text(ScaleLayout value) { return std::string(name_of(value)); }

/// @pre what parameter_json() gives
template <class V>
void read_parameter(const Json& json, V& value) {
  json.get_to(value);
}
inline void read_parameter(const Json& json, ScaleLayout& value) {
  value = *scale_layout_from(json.get<std::string>());
}

}  // namespace symmbench
