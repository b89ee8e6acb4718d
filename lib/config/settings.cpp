#include "config/settings.hpp"

#include <fmt/format.h>

#include <utility>

#include "config/options.hpp"
#include "core/shown_text.hpp"
#include "core/text.hpp"

namespace symmbench {
namespace {

/// How sizes in bytes are given, as opposed to tokens.
constexpr const char* kSizeKeys[] = {"minbytes", "maxbytes", "stepfactor", "stepbytes"};

/// Options of which one layer may hold only one.
constexpr std::pair<const char*, const char*> kExclusive[] = {
    {"tokens", "minbytes"},  {"tokens", "maxbytes"},      {"tokens", "stepfactor"},
    {"tokens", "stepbytes"}, {"stepbytes", "stepfactor"}, {"workspace_tokens", "workspace_bytes"},
    {"soak", "lifecycles"}};

void check_exclusive(const Settings& layer) {
  for (const auto& [one, other] : kExclusive) {
    const auto first = layer.find(one), second = layer.find(other);
    if (first == layer.end() || second == layer.end()) continue;
    first->second.fail(fmt::format("must not be combined with {}; give one of them", second->second.subject()));
  }
}

[[noreturn]] void fail_unknown_key(const FilePart& part, const std::string& key) {
  if (part.in_sweep) {
    for (const auto& run_key : config_keys(false)) {
      if (run_key == key) fail_config(part.name_of(key) + ": holds for the whole run: set it outside 'sweeps'");
    }
  }
  const auto nearest = nearest_name(key, config_keys(part.in_sweep));
  fail_config(fmt::format("{}: unknown key{}", part.name_of(key),
                          nearest ? fmt::format("; did you mean '{}'?", *nearest) : ""));
}

/// Keys that are for people and editors.
bool is_annotation(const std::string& key, bool in_sweep) {
  return key == "description" || (key == "$schema" && !in_sweep);
}

}  // namespace

std::string FilePart::name_of(const std::string& key) const {
  const auto inner = path + key;
  return fmt::format("{}: {}{}", file_name, in_short(inner), line_note(lines, inner));
}

Settings merged(Settings base, const Settings& layer) {
  if (layer.contains("stepbytes")) base.erase("stepfactor");
  if (layer.contains("stepfactor")) base.erase("stepbytes");
  for (const auto* key : kSizeKeys) {
    if (layer.contains(key)) base.erase("tokens");
  }
  if (layer.contains("workspace_bytes")) base.erase("workspace_tokens");
  if (layer.contains("workspace_tokens")) base.erase("workspace_bytes");
  if (layer.contains("soak")) base.erase("lifecycles");
  if (layer.contains("lifecycles")) base.erase("soak");
  for (const auto& [key, setting] : layer) base.insert_or_assign(key, setting);
  return base;
}

Settings without_unused(Settings settings) {
  if (settings.contains("tokens")) {
    for (const auto* key : kSizeKeys) settings.erase(key);
  }
  return settings;
}

Settings default_layer() {
  Settings settings;
  for (const auto& spec : option_table()) {
    if (spec.scope == OptionScope::command) continue;
    const auto text = spec.kind == OptionKind::flag ? std::string_view("off") : spec.default_text;
    if (text.empty() || !spec.now) continue;
    const auto origin = Origin::default_of(spec);
    settings.emplace(spec.key(), Setting{value_from_text(spec, text, origin), origin, std::string(text)});
  }
  return settings;
}

Settings command_line_layer(const Json& command_line) {
  Settings settings;
  for (const auto& [key, text] : command_line.items()) {
    const auto* spec = find_option(key);
    if (!spec) fail_config(fmt::format("unknown option '{}'", key));
    const auto origin = Origin::command_line(*spec);
    auto written = text.get<std::string>();
    auto value = value_from_text(*spec, written, origin);
    settings.emplace(key, Setting{std::move(value), origin, std::move(written)});
  }
  check_exclusive(settings);
  return settings;
}

Settings file_layer(const FilePart& part) {
  Settings settings;
  for (const auto& [key, json] : part.object.items()) {
    if (is_annotation(key, part.in_sweep) || (!part.in_sweep && key == "sweeps")) continue;
    const auto* spec = find_option(key);
    const bool allowed =
        spec && (spec->scope == OptionScope::sweep || (spec->scope == OptionScope::run && !part.in_sweep));
    if (!allowed) fail_unknown_key(part, key);
    const auto origin = Origin::file(part.name_of(key));
    settings.emplace(key, Setting{value_from_json(*spec, json, origin), origin,
                                  json.is_string() ? json.get<std::string>() : json.dump()});
  }
  check_exclusive(settings);
  return settings;
}

}  // namespace symmbench
