#include "report/csv.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "report/clean_text.hpp"
#include "report/pick.hpp"
#include "report/schema_validation.hpp"

namespace symmbench {
namespace {

/// What a reference within `schema` stands for; anything else is itself.
const Json& followed(const Json& schema, const Json& node) {
  const auto reference = node.find("$ref");
  return reference == node.end() ? node : schema.at(Json::json_pointer(reference->get<std::string>().substr(1)));
}

bool may_be(const Json& node, const char* type) {
  const Json types = member(node, "type");
  if (types == type) return true;
  return types.is_array() && std::find(types.begin(), types.end(), type) != types.end();
}

void add_columns(const Json& schema, const Json& node, const std::string& path, std::vector<std::string>& columns) {
  const Json& found = followed(schema, node);
  if (const auto keys = found.find("properties"); keys != found.end()) {
    for (const auto& [key, value] : keys->items()) {
      add_columns(schema, value, path.empty() ? key : fmt::format("{}.{}", path, key), columns);
    }
  } else if (!may_be(found, "array") && !may_be(found, "object")) {
    columns.push_back(path);
  }
}

std::string quoted(const std::string& text) {
  const bool edge_spaces = !text.empty() && (text.front() == ' ' || text.back() == ' ');
  if (!edge_spaces && text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string cell = "\"";
  for (const char c : text) cell += c == '"' ? std::string("\"\"") : std::string(1, c);
  return cell + "\"";
}

std::string cell(const Json& row, const std::vector<std::string>& path) {
  const Json* value = &row;
  for (const auto& key : path) {
    const auto found = value->find(key);  // of what is no object: end()
    if (found == value->end()) return "";
    value = &*found;
  }
  if (value->is_null()) return "";
  return value->is_string() ? quoted(clean_text(value->get_ref<const std::string&>())) : value->dump();
}

}  // namespace

std::vector<std::string> csv_columns() {
  const Json schema = parse_json(schema_text("report"), "report schema");
  std::vector<std::string> columns;
  add_columns(schema, schema.at("definitions").at("row"), "", columns);
  return columns;
}

std::string results_csv(const Json& report) {
  std::string text;
  std::vector<std::vector<std::string>> paths;
  for (const auto& column : csv_columns()) {
    text += (paths.empty() ? "" : ",") + column;
    paths.push_back(split_list(column, '.'));
  }
  text += '\n';
  for (const Json& row : report.at("results")) {
    for (std::size_t i = 0; i < paths.size(); ++i) text += (i == 0 ? "" : ",") + cell(row, paths[i]);
    text += '\n';
  }
  return text;
}

}  // namespace symmbench
