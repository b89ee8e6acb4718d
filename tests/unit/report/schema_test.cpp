#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <map>
#include <set>
#include <string>

#include "catalog/row_keys.hpp"
#include "check_schema.hpp"
#include "report/schema_validation.hpp"
#include "support/failures.hpp"

using namespace symmbench;

namespace {

Json good_report() {
  RunBuilder run;
  run.add_all_ok().add(run.failed(-1, 1, {kSymm}));
  return run.report();
}

std::vector<Violation> violations_of(const Json& document) { return validate(document, schema_text("report")); }

bool names(const std::vector<Violation>& violations, const std::string& path, const std::string& message = "") {
  return std::any_of(violations.begin(), violations.end(), [&](const Violation& violation) {
    return violation.path == path && violation.message.find(message) != std::string::npos;
  });
}

/// Every object of the schema that is to describe one: closed, with all its keys required or said to be optional.
void check_closed(const Json& schema, const std::string& path) {
  if (!schema.is_structured()) return;
  if (schema.is_object() && schema.contains("properties")) {
    INFO(path);
    REQUIRE(schema.contains("additionalProperties"));
    CHECK(schema["additionalProperties"] == false);
    const std::set<std::string> may_lack{"samples_us", "injected", "injected_struck", "deadlines"};
    for (const auto& [key, value] : schema["properties"].items()) {
      const auto& required = schema["required"];
      const bool optional = may_lack.contains(key);
      CHECK((std::find(required.begin(), required.end(), Json(key)) != required.end()) != optional);
    }
  }
  for (const auto& [key, value] : schema.items()) check_closed(value, fmt::format("{}/{}", path, key));
}

}  // namespace

TEST_CASE("a folded report satisfies the shipped schema") { CHECK(violations_of(good_report()).empty()); }

TEST_CASE("the shipped schemas are built in, and an unknown name is told which there are") {
  CHECK(parse_json(schema_text("report"), "schema")["$schema"] == "http://json-schema.org/draft-07/schema#");
  CHECK_FALSE(schema_text("config").empty());
  CHECK(failure_of([] { schema_text("reprot"); }).detail.find("'report'") != std::string::npos);
}

TEST_CASE("the report schema is closed everywhere, and every key is required") {
  check_closed(parse_json(schema_text("report"), "schema"), "");
}

TEST_CASE("the schema's rows have every row key, of its type") {
  const Json row = parse_json(schema_text("report"), "schema")["definitions"]["row"];
  const std::map<KeyType, std::string> types{{KeyType::name, "string"},     {KeyType::text, "string"},
                                             {KeyType::integer, "integer"}, {KeyType::number, "number"},
                                             {KeyType::flag, "boolean"},    {KeyType::choice, "#/definitions/choice"}};
  for (const RowKey& key : kRowKeys) {
    INFO(key.name);
    const std::string name(key.name);
    REQUIRE(row["properties"].contains(name));
    CHECK(std::count(row["required"].begin(), row["required"].end(), name) == 1);
    const bool is_list = row["properties"][name].contains("anyOf");  // of names that the catalogue has
    if (!is_list) CHECK(row["properties"][name].dump().find('"' + types.at(key.type) + '"') != std::string::npos);
  }
}

TEST_CASE("an unknown key is refused at every level, with its path") {
  for (const char* pointer :
       {"", "/run", "/device", "/fabric", "/tool", "/verdict", "/ranks/0", "/results/1", "/results/1/handle",
        "/results/1/time_us", "/stability/0", "/stability/0/leaks", "/stability/0/incidents/0", "/comparison/0"}) {
    Json report = good_report();
    report[Json::json_pointer(pointer)]["surprise"] = 1;
    INFO(pointer);
    CHECK(names(violations_of(report), std::string(pointer) + "/surprise", "unknown key"));
  }
}

TEST_CASE("a missing key is named") {
  Json report = good_report();
  report["results"][0].erase("wrong_elements");
  report.erase("findings");
  const auto violations = violations_of(report);
  CHECK(names(violations, "/results/0/wrong_elements", "missing"));
  CHECK(names(violations, "/findings", "missing"));
}

TEST_CASE("a value of the wrong type or outside its list is refused at its place") {
  for (const auto& [pointer, value] : std::vector<std::pair<const char*, Json>>{
           {"/results/0/time_us/mean", "fast"},
           {"/results/2/status", "passed"},
           {"/results/0/message_bytes", -1},
           {"/results/0/message_bytes", 1.5},
           {"/results/0/in_place", 1},
           {"/results/0/dtype", "fp8"},
           {"/run/complete", nullptr},
           {"/run/started_at", "yesterday"},
           {"/schema_version", "2.0.0"},
           {"/verdict/exit_code", 2},
           {"/comparison/0/ci/0", nullptr},
           {"/comparison/0/allocators", Json::array({"one"})},
           {"/stability/0/incidents/0/failure/reason", "bad luck"},
           {"/results", Json::object()},
       }) {
    Json report = good_report();
    report[Json::json_pointer(pointer)] = value;
    INFO(pointer << " = " << value.dump());
    CHECK(names(violations_of(report), pointer));
  }
}

TEST_CASE("several violations are all reported, the enclosing levels are not") {
  Json report = good_report();
  report["results"][0]["time_us"]["mean"] = "fast";
  report["results"][3]["status"] = 5;
  const auto violations = violations_of(report);
  CHECK(names(violations, "/results/0/time_us/mean"));
  CHECK(names(violations, "/results/3/status"));
  CHECK_FALSE(names(violations, "/results"));
  CHECK_FALSE(names(violations, ""));
}

TEST_CASE("a document of another kind is refused as a whole") {
  for (const Json& document : {Json(nullptr), Json::array(), Json(5), Json("text"), Json::object()}) {
    CHECK_FALSE(violations_of(document).empty());
  }
  CHECK(names(violations_of(Json::array()), ""));
}

TEST_CASE("a pointer escapes the characters that JSON pointers give a meaning") {
  const std::string schema = R"({"type": "object", "additionalProperties": {"type": "integer"}})";
  const auto violations = validate(Json{{"a/b~c", "text"}}, schema);
  REQUIRE_FALSE(violations.empty());
  CHECK(violations[0].path == "/a~1b~0c");
}

TEST_CASE("a schema that is none is our fault, not the document's") {
  CHECK(failure_of([] { validate(Json::object(), "{"); }).reason == Reason::internal);
  CHECK(failure_of([] { validate(Json::object(), R"({"type": "no such type"})"); }).reason == Reason::internal);
}
