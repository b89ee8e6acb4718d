#include "scripts/schema/schema_names.hpp"

#include <fmt/format.h>

#include <catch2/catch_test_macros.hpp>
#include <stdexcept>

#include "report/schema_validation.hpp"

using namespace symmbench;

namespace {

/// A shipped schema in which `words` has become `other`.
std::string changed(const char* schema, const std::string& words, const std::string& other) {
  std::string text(schema_text(schema));
  REQUIRE(text.find(words) != std::string::npos);
  return text.replace(text.find(words), words.size(), other);
}

/// Where nodes of `schema` stand that neither say what they are nor refer to one that does.
std::vector<std::string> undescribed(const Json& schema, const std::string& path = "") {
  std::vector<std::string> found;
  if (!schema.contains("description") && !schema.contains("$ref")) found.push_back(path);
  const auto add = [&](const Json& node, const std::string& where) {
    const auto within = undescribed(node, where);
    found.insert(found.end(), within.begin(), within.end());
  };
  for (const char* group : {"properties", "definitions"}) {
    if (!schema.contains(group)) continue;
    for (const auto& [name, node] : schema.at(group).items()) add(node, fmt::format("{}/{}/{}", path, group, name));
  }
  // Elements of a list are what the list says; what they hold in turn is not.
  if (schema.contains("items") && schema.at("items").contains("properties")) {
    for (const auto& [name, node] : schema.at("items").at("properties").items())
      add(node, fmt::format("{}/items/{}", path, name));
  }
  return found;
}

}  // namespace

TEST_CASE("every node of the shipped schemas says what it is") {
  for (const char* schema : {"config", "fabric", "report", "selftest", "thresholds", "tuning"}) {
    CAPTURE(schema);
    CHECK(undescribed(Json::parse(schema_text(schema))) == std::vector<std::string>{});
  }
}

TEST_CASE("a node without words is found wherever it stands") {
  const auto schema = Json::parse(R"({"description": "d", "properties": {"a": {"type": "string"}, "b": {"$ref": "#/x"},
      "c": {"description": "d", "items": {"properties": {"e": {"type": "null"}}}}}, "definitions": {"f": {"enum": [1]}}})");
  CHECK(undescribed(schema) == std::vector<std::string>{"/properties/a", "/properties/c/items/e", "/definitions/f"});
}

TEST_CASE("the lists of names in the shipped schemas are the code's") {
  for (const char* schema : {"config", "report", "tuning"}) {
    CAPTURE(schema);
    INFO("scripts/generate_schemas.sh renews them");
    CHECK_FALSE(schema_names(schema).empty());
    const bool current = with_current_names(std::string(schema_text(schema)), schema) == schema_text(schema);
    CHECK(current);
  }
}

TEST_CASE("a list of names that is out of date is renewed, and the rest of the file stays as it is") {
  const auto renewed = [](const char* schema, const std::string& words, const std::string& other) {
    return with_current_names(changed(schema, words, other), schema) == schema_text(schema);
  };
  CHECK(renewed("report", "\"crashed\", ", ""));
  CHECK(renewed("report", "\"crashed\", ", "\"crashed\", \"bad luck\",\n"));
  CHECK(renewed("report", "\"map\", ", ""));
  CHECK(renewed("config", "\"cuda\", ", "\"tpu\", "));
  CHECK(renewed("tuning", "\"fp16\", ", "\"fp16\",\n      "));
}

TEST_CASE("a definition that a schema lacks or has twice is named") {
  CHECK_THROWS_AS(with_current_names(changed("report", "\"layer\": {\n", "\"lair\": {\n"), "report"),
                  std::runtime_error);
  CHECK_THROWS_AS(with_current_names(changed("config", "\"device\": {\"desc", "\"format\": {\"desc"), "config"),
                  std::runtime_error);
}
