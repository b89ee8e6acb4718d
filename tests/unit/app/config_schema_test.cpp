#include <catch2/catch_test_macros.hpp>
#include <set>

#include "app/cli.hpp"
#include "config/fabric_profile.hpp"
#include "config/options.hpp"
#include "config/resolve.hpp"
#include "report/schema_validation.hpp"

using namespace symmbench;

namespace {

Json schema() { return parse_json(schema_text("config"), "config schema"); }

bool is_valid(const Json& document) { return validate(document, schema_text("config")).empty(); }

bool resolves(const Json& document) {
  try {
    (void)resolve(&document, Json::object());
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::set<std::string> keys_of(const Json& object) {
  std::set<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.insert(key);
  return keys;
}

/// What a reference within `all` stands for; anything else is itself.
Json followed(const Json& all, const Json& found) {
  return found.contains("$ref") ? all.at(Json::json_pointer(found.at("$ref").get<std::string>().substr(1))) : found;
}

/// The schema of one key, references followed; for a list, that of its elements.
Json element_schema(const Json& all, const std::string& key, bool in_sweep) {
  const Json found = (in_sweep ? all.at("definitions").at("sweep") : all).at("properties").at(key);
  if (found.contains("anyOf") && found.at("anyOf").at(1).contains("items")) {
    CHECK(found.at("anyOf").at(0) == found.at("anyOf").at(1).at("items"));
    return followed(all, found.at("anyOf").at(0));
  }
  return followed(all, found);
}

}  // namespace

TEST_CASE("the config schema has exactly the keys that this version accepts") {
  std::set<std::string> sweep{"description"}, top{"description", "$schema", "sweeps"};
  for (const auto& spec : option_table()) {
    if (!spec.now || spec.scope == OptionScope::command) continue;
    top.insert(spec.key());
    if (spec.scope == OptionScope::sweep) sweep.insert(spec.key());
  }
  const auto all = schema();
  CHECK(keys_of(all.at("properties")) == top);
  CHECK(keys_of(all.at("definitions").at("sweep").at("properties")) == sweep);
  CHECK(all.at("additionalProperties") == false);
  CHECK(all.at("definitions").at("sweep").at("additionalProperties") == false);
}

static bool is_real(OptionKind kind) { return kind == OptionKind::number || kind == OptionKind::percent; }

TEST_CASE("names and limits in the config schema are those of the option table") {
  const auto all = schema();
  for (const auto& spec : option_table()) {
    if (!spec.now || spec.scope == OptionScope::command) continue;
    CAPTURE(spec.name);
    const auto found = element_schema(all, spec.key(), spec.scope == OptionScope::sweep);
    if (!spec.choices.empty()) CHECK(found.at("enum") == Json(names_accepted(spec)));
    const bool numeric = spec.kind == OptionKind::integer || spec.kind == OptionKind::counts || is_real(spec.kind);
    if (!numeric) continue;
    const Json percent{"number", "string"};
    CHECK(found.at("type") == (spec.kind == OptionKind::percent ? percent
                               : is_real(spec.kind)             ? Json("number")
                                                                : Json("integer")));
    CHECK(found.at(spec.bounds.low_open ? "exclusiveMinimum" : "minimum").get<double>() == spec.bounds.low);
    CHECK(found.at(spec.bounds.high_open ? "exclusiveMaximum" : "maximum").get<double>() == spec.bounds.high);
  }
}

TEST_CASE("schema and resolution agree on what a config may be") {
  const char* good[] = {
      R"({})",
      R"({"iters": 5, "sweeps": [{}]})",
      R"({"description": "x", "$schema": "y", "sweeps": [{"description": "z", "datatype": ["fp16", "fp32"]}]})",
      R"({"device": "host", "fabric": "sm103-gb300-nvl72", "virtual_hosts": 2})",
      R"({"baseline": "a.json", "max_regress": "5%"})",
      R"({"csv": "x.csv", "jsonl": true, "junit": false, "output_dir": "out"})",
      R"({"tuning": "computed", "tune": true, "output_dir": "out"})",
      R"({"tuning": {"family": "sm90", "emulated": false, "source": "x", "tables": [
          {"world_size": 2, "pattern": "allreduce", "choices": [{"up_to_bytes": null, "algorithm": "one_shot"}]}]}})",
      R"({"tune": "on", "strict": 1, "check": 20, "in_place": ["off", "on"], "datatype": ["half", "float"]})",
      R"({"minbytes": "1.5K", "maxbytes": 65536, "timeout": "500ms", "in_place": [true, false], "tokens": 3})",
  };
  // The last one is the exception that shows the rule: sizes and tokens exclude each other.
  for (std::size_t i = 0; i < std::size(good); ++i) {
    CAPTURE(good[i]);
    const auto document = Json::parse(good[i]);
    CHECK(is_valid(document) == (i + 1 < std::size(good)));
    CHECK(resolves(document) == (i + 1 < std::size(good)));
  }
  const char* bad[] = {
      R"([])",
      R"({"itres": 5})",
      R"({"iters": "5"})",
      R"({"iters": 0})",
      R"({"iters": 1.5})",
      R"({"sweeps": []})",
      R"({"sweeps": {}})",
      R"({"sweeps": [{"timeout": 5}]})",
      R"({"datatype": []})",
      R"({"datatype": ["fp16", "fp16"]})",
      R"({"datatype": "fp16,bf16"})",
      R"({"datatype": "bf61"})",
      R"({"multicast": "maybe"})",
      R"({"soak": 0})",
      R"({"tuning": ""})",
      R"({"tuning": ["sm90"]})",
      R"({"tune": "yes"})",
      R"({"pdl": 2})",
      R"({"minbytes": "1Q"})",
      R"({"minbytes": "-1K"})",
      R"({"minbytes": 0})",
      R"({"timeout": "5 s"})",
      R"({"stepfactor": 1})",
      R"({"baseline": "a.json", "max_regress": "5%%"})",
      R"({"stepfactor": 2, "stepbytes": 2})",
      R"({"strict": 0.5})",
      R"({"in_place": "in"})",
      R"({"ci_width": 1})",
      R"({"device": ["host"]})",
      R"({"report": ""})",
      R"({"csv": ""})",
      R"({"csv": 1})",
      R"({"sweeps": [{"$schema": "x"}]})",
  };
  for (const auto* text : bad) {
    CAPTURE(text);
    const auto document = Json::parse(text);
    CHECK_FALSE(is_valid(document));
    CHECK_FALSE(resolves(document));
  }
}

TEST_CASE("names and limits in the tuning schema are those of the code, and shipped tables keep it") {
  const auto all = parse_json(schema_text("tuning"), "tuning schema");
  const Json entry = all.at("properties").at("tables").at("items").at("properties");
  CHECK(followed(all, entry.at("pattern")).at("enum") == Json(names_now(option("pattern"))));
  CHECK(followed(all, entry.at("dtype").at("allOf").at(0)).at("enum") == Json(names_now(option("datatype"))));
  const Json step = entry.at("choices").at("items").at("properties");
  CHECK(followed(all, step.at("algorithm")).at("enum") == Json(tunable_algorithms()));
  CHECK(step.at("up_to_bytes").at("maximum").get<double>() == option("maxbytes").bounds.high);
  for (const auto& shipped : shipped_tunings()) {
    CAPTURE(shipped.name);
    CHECK(validate(Json::parse(shipped.text), schema_text("tuning")).empty());
  }
}

TEST_CASE("shipped fabric profiles keep the schema") {
  for (const auto& shipped : shipped_fabrics()) {
    CAPTURE(shipped.name);
    CHECK(validate(Json::parse(shipped.text), schema_text("fabric")).empty());
  }
}

TEST_CASE("the configuration of every report is a valid config file") {
  for (const auto& words : {std::vector<std::string>{"run"}, {"run", "--tokens", "1,2", "-n", "5", "-J", "r.json"}}) {
    CHECK(is_valid(Json::parse(parse_command_line(words).config.config_text)));
  }
}
