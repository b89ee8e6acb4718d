#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

/// One place where a document breaks its schema.
struct Violation {
  std::string path;     ///< JSON pointer: "/results/0/time_us/mean"; "" is the whole document
  std::string message;  ///< "unknown key", "missing key", ...
};

/// Holds `document` against a draft-07 schema; the violations in document order, innermost only; empty when it is
/// valid.
/// @throws Error{report, internal} when `schema_text` is no usable schema
std::vector<Violation> validate(const Json& document, std::string_view schema_text);

/// A schema that ships with the tool, built into the binary: "report" or "config", of
/// configs/schema/<name>.schema.json.
/// @throws Error{report, invalid_argument} naming what there is
std::string_view schema_text(std::string_view name);

}  // namespace symmbench
