// The only file that includes valijson, which would otherwise end the process over a bad schema.
#define VALIJSON_USE_EXCEPTIONS 1
#include "report/schema_validation.hpp"

#include <fmt/format.h>

#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "report/embedded_schemas.hpp"

namespace symmbench {
namespace {

using valijson::ValidationResults;

/// valijson's context is {"<root>", "[results]", "[0]"}.
std::string pointer_of(const std::vector<std::string>& context) {
  std::string pointer;
  for (std::size_t i = 1; i < context.size(); ++i) {
    pointer += '/';
    for (const char c : context[i].substr(1, context[i].size() - 2)) {
      if (c == '~' || c == '/') {
        pointer += c == '~' ? "~0" : "~1";  // as RFC 6901 escapes them
      } else {
        pointer += c;
      }
    }
  }
  return pointer;
}

/// valijson says of every enclosing level that it failed too; only the level where it began says something.
bool only_repeats(const std::string& description) { return description.starts_with("Failed to validate "); }

/// The text between the last pair of single quotes.
std::string last_quoted(const std::string& text) {
  const auto end = text.rfind('\'');
  const auto begin = end == std::string::npos || end == 0 ? std::string::npos : text.rfind('\'', end - 1);
  return begin == std::string::npos ? std::string{} : text.substr(begin + 1, end - begin - 1);
}

Violation violation_of(const ValidationResults::Error& error) {
  const std::string path = pointer_of(error.context);
  const std::string key = last_quoted(error.description);
  if (error.description.starts_with("Object contains a property that could not be validated") && !key.empty()) {
    return {path + "/" + key, "unknown key"};
  }
  if (error.description.starts_with("Missing required property") && !key.empty()) {
    return {path + "/" + key, "missing key"};
  }
  return {path, error.description};
}

}  // namespace

std::string_view schema_text(std::string_view name) {
  std::string known;
  for (const auto& schema : embedded_schemas()) {
    if (schema.name == name) return schema.text;
    known += fmt::format("{}'{}'", known.empty() ? "" : ", ", schema.name);
  }
  throw Error({.layer = Layer::report,
               .reason = Reason::invalid_argument,
               .detail = fmt::format("no schema '{}': there are {}", name, known)});
}

std::vector<Violation> validate(const Json& document, std::string_view schema_text) {
  valijson::Schema schema;
  try {
    // Parsed as every document is: a parser for valijson's own JSON type takes seconds to compile.
    const nlohmann::json schema_json(parse_json(schema_text, "schema"));
    valijson::SchemaParser(valijson::SchemaParser::kDraft7)
        .populateSchema(valijson::adapters::NlohmannJsonAdapter(schema_json), schema);
  } catch (const std::exception& error) {
    throw Error({.layer = Layer::report,
                 .reason = Reason::internal,
                 .detail = fmt::format("the schema itself is broken: {}", error.what())});
  }
  const nlohmann::json plain(document);
  ValidationResults results;
  valijson::Validator validator;
  if (validator.validate(schema, valijson::adapters::NlohmannJsonAdapter(plain), &results)) return {};

  std::vector<Violation> violations;
  std::vector<Violation> enclosing;
  for (const auto& error : results)
    (only_repeats(error.description) ? enclosing : violations).push_back(violation_of(error));
  return violations.empty() ? enclosing : violations;
}

}  // namespace symmbench
