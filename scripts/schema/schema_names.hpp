#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace symmbench {

/// What each list of names in the shipped schemas must hold, by the name of its definition ("algorithm", "layer", ...):
/// the option table's names of this version, which come from the catalogue, and the names of failures and phases.
/// `schema` is the file's name up to its first dot: "config", "report" or "tuning"; of another one, there are none.
std::map<std::string, std::vector<std::string>> schema_names(std::string_view schema);

/// The text of a schema file with the lists of its definitions renewed from schema_names(schema) and the rest as it is.
/// A definition is one of these lists when it is "NAME": {"enum": [...]}, with a description before the enum or without.
/// @throws std::runtime_error naming a definition that `text` does not have exactly once
std::string with_current_names(std::string text, std::string_view schema);

}  // namespace symmbench
