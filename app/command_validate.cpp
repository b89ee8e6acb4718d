#include "app/command_validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "app/kept.hpp"
#include "app/product.hpp"
#include "config/config_file.hpp"
#include "config/fabric_profile.hpp"
#include "config/option_value.hpp"
#include "config/resolve.hpp"
#include "core/counted.hpp"
#include "core/json.hpp"
#include "core/log.hpp"
#include "core/text.hpp"
#include "gate/thresholds.hpp"
#include "report/schema_validation.hpp"

namespace symmbench {
namespace {

bool is_report(const Json& document) {
  return document.is_object() && (document.contains("schema_version") || document.contains("results"));
}

bool is_tuning(const Json& document) { return document.is_object() && document.contains("tables"); }

bool is_fabric_profile(const Json& document) { return document.is_object() && document.contains("gpus_per_domain"); }

bool is_selftest(const Json& document) { return document.is_object() && document.contains("faults"); }

bool is_thresholds(const Json& document) { return document.is_object() && document.contains("thresholds"); }

/// What `--threshold` refuses, although the schema allows it.
std::vector<std::string> threshold_problems(const std::string& path) {
  try {
    (void)read_thresholds(path);
    return {};
  } catch (const Error& error) {
    return {error.failure().detail};
  }
}

/// What `--tuning` refuses, although the schema allows it.
std::vector<std::string> tuning_problems(const std::string& path) {
  try {
    const auto table = read_config_file(path, "tuning file");
    (void)tuning_entries(table.value, "tuning file '" + path + "'");
    return {};
  } catch (const Error& error) {
    return {error.failure().detail};
  }
}

/// What `--fabric` refuses, although the schema allows it.
std::vector<std::string> fabric_problems(const std::string& path) {
  try {
    const auto profile = read_config_file(path, "fabric profile");
    (void)FabricDocument(profile.value, "fabric profile '" + path + "'");
    return {};
  } catch (const Error& error) {
    return {error.failure().detail};
  }
}

/// What resolve() refuses, although the schema allows it.
std::vector<std::string> config_problems(const std::string& path) {
  try {
    const auto file = read_config_file(path);
    (void)resolve(&file.value, Json::object(), {.file_name = "config file", .file_lines = file.lines});
    return {};
  } catch (const Error& error) {
    return {error.failure().detail};
  }
}

/// "/sweeps/0/pattern" as resolve() names it: "sweeps[0].pattern".
std::string name_of_value(const std::string& pointer) {
  std::string name;
  for (const auto& step : split_list(pointer.empty() ? pointer : pointer.substr(1), '/')) {
    const bool index = !step.empty() && step.find_first_not_of("0123456789") == std::string::npos;
    name += index ? fmt::format("[{}]", step) : (name.empty() ? "" : ".") + step;
  }
  return name;
}

/// Whether resolve() has said what is wrong with this value, in better words than a schema's. Of a whole object a schema
/// only says that some rule is broken.
bool told_already(const std::vector<std::string>& told, const std::string& pointer) {
  const auto name = name_of_value(pointer);
  return std::any_of(told.begin(), told.end(), [&](const std::string& line) {
    const auto at = line.find(fmt::format(": {}", name));
    return name.empty() ||
           (at != std::string::npos && (line[at + 2 + name.size()] == ' ' || line[at + 2 + name.size()] == ':'));
  });
}

/// Longer than any list that resolve() takes. The schema's uniqueItems compares each element with each other one.
bool has_endless_list(const Json& json) {
  if (json.is_array() && json.size() > kMostListed) return true;
  return json.is_structured() && std::any_of(json.begin(), json.end(), has_endless_list);
}

}  // namespace

Validation validate_file(const std::string& path) {
  std::vector<Json> read;
  read.push_back(read_json_file(path));
  const Json& document = kept(std::move(read)).front();
  Validation validation{.kind = is_selftest(document)         ? "selftest"
                                : is_thresholds(document)     ? "thresholds"
                                : is_report(document)         ? "report"
                                : is_tuning(document)         ? "tuning"
                                : is_fabric_profile(document) ? "fabric"
                                                              : "config"};
  if (validation.kind == "config" && has_endless_list(document)) {
    validation.violations = config_problems(path);
    return validation;
  }
  if (validation.kind == "config") validation.violations = config_problems(path);
  const auto told = validation.violations;
  for (const auto& violation : validate(document, schema_text(validation.kind))) {
    if (told_already(told, violation.path)) continue;
    validation.violations.push_back(
        fmt::format("{}: {}", violation.path.empty() ? "/" : violation.path, violation.message));
  }
  if (validation.kind == "thresholds" && validation.violations.empty()) {
    validation.violations = threshold_problems(path);
  }
  if (validation.kind == "fabric" && validation.violations.empty()) validation.violations = fabric_problems(path);
  if (validation.kind == "tuning" && validation.violations.empty()) validation.violations = tuning_problems(path);
  return validation;
}

namespace {

/// Of violations that differ in list positions only so many are told.
constexpr std::size_t kMostAlike = 3;

/// "/results/17/blame: missing key" as "/results/*/blame: missing key".
std::string without_positions(const std::string& line) {
  std::string text;
  for (std::size_t at = 0; at < line.size();) {
    const auto end = std::min(line.find_first_not_of("0123456789", at), line.size());
    const bool position =
        end > at && at > 0 && line[at - 1] == '/' && end < line.size() && (line[end] == '/' || line[end] == ':');
    text += position ? "*" : line.substr(at, std::max(end - at, std::size_t{1}));
    at = std::max(end, at + 1);
  }
  return text;
}

}  // namespace

std::vector<std::string> shown_violations(const std::vector<std::string>& violations) {
  std::map<std::string, std::size_t> seen;
  std::vector<std::string> shown;
  for (const auto& line : violations) {
    if (++seen[without_positions(line)] <= kMostAlike) shown.push_back(line);
  }
  for (const auto& [alike, count] : seen) {
    if (count > kMostAlike) shown.push_back(fmt::format("{} ({} more)", alike, count - kMostAlike));
  }
  return shown;
}

namespace {

/// What became of one file, as an exit code; the answer goes to `text`.
int validate_one(const std::string& path, std::string& text) {
  Validation validation;
  try {
    validation = validate_file(path);
  } catch (const Error& error) {
    log_line("symmbench validate: {}", error.failure().detail);
    return 2;
  }
  for (const auto& line : shown_violations(validation.violations)) text += fmt::format("{}: {}\n", path, line);
  const auto count = validation.violations.size();
  text += count == 0 ? fmt::format("{}: valid {}\n", path, validation.kind)
                     : fmt::format("{}: not a valid {}: {}\n", path, validation.kind, counted(count, "violation"));
  return count == 0 ? 0 : 1;
}

}  // namespace

int command_validate(const ParsedCommand& parsed) {
  std::set<int> codes;
  std::string text;
  for (const auto& path : parsed.subjects) codes.insert(validate_one(path, text));
  print_product(text);
  return codes.contains(1) ? 1 : *codes.rbegin();
}

}  // namespace symmbench
