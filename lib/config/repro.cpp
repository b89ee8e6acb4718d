#include "config/repro.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "config/option_value.hpp"
#include "core/document.hpp"

namespace symmbench {
namespace {

/// A flag that is on. mpirun looks for a --tune of its own in the whole command line, and would take the next word for its
/// file.
std::string flag_word(const OptionSpec& spec) { return spec.name == "tune" ? "--tune=on" : spec.flag_name(); }

/// Quoted for a shell where needed.
std::string shell_word(const std::string& text) {
  const bool plain = !text.empty() && text.find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789_-+=.,:/@%") == std::string::npos;
  if (plain) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string options_that_differ(const Json& settings) {
  std::string words;
  for (const auto& spec : option_table()) {
    const auto at = settings.find(spec.key());
    if (at == settings.end() || spec.says_where()) continue;
    if (spec.kind == OptionKind::flag) {
      if (at->get<bool>()) words += " " + flag_word(spec);
      continue;
    }
    const auto text = text_from_value(spec, *at);
    const auto origin = Origin::default_of(spec);
    if (!spec.default_text.empty() && value_from_text(spec, spec.default_text, origin) == *at) continue;
    words += fmt::format(" {} {}", spec.flag_name(), shell_word(text));
  }
  return words;
}

/// A file where there is one, made absolute; the name of a shipped one otherwise.
std::string absolute_if_file(const std::string& value) {
  if (!is_no_folder(value)) return value;
  std::error_code failed;
  const auto path = std::filesystem::absolute(value, failed);
  return failed ? value : path.lexically_normal().string();
}

std::string typed_without_outputs(const TypedOptions& typed) {
  std::string command;
  for (const auto& spec : option_table()) {
    const auto at = typed.find(spec.key());
    if (at == typed.end() || spec.says_where()) continue;
    if (spec.kind == OptionKind::flag) {
      if (value_from_text(spec, at->second, Origin::command_line(spec)).get<bool>()) command += " " + flag_word(spec);
      continue;
    }
    const bool reads_file = spec.kind == OptionKind::path || spec.kind == OptionKind::table;
    command +=
        fmt::format(" {} {}", spec.flag_name(), shell_word(reads_file ? absolute_if_file(at->second) : at->second));
  }
  return command;
}

}  // namespace

std::string repro_command(const RunConfig& config, const Launch& launch) {
  const auto start = fmt::format("mpirun -n {} {} run", launch.world_size, shell_word(launch.program));
  Json settings = parse_json(config.config_text, "configuration");
  const Json sweep = settings.at("sweeps").front();
  settings.erase("sweeps");
  settings.update(sweep);
  const auto is_table = [&](const char* key) { return settings.contains(key) && settings.at(key).is_object(); };
  const bool has_table = is_table("tuning") || is_table("fabric");
  if (config.sweeps.size() == 1 && !has_table) return start + options_that_differ(settings);
  return start + typed_without_outputs(launch.typed);
}

std::string emulated_command(const std::vector<std::string>& words, int world_size) {
  auto command = fmt::format("mpirun -n {}", world_size);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--device") {
      ++i;  // its value
    } else if (!words[i].starts_with("--device=")) {
      command += " " + shell_word(words[i]);
    }
  }
  return command + " --device host";
}

Json repeatable(const RunConfig& config) {
  Json settings = parse_json(config.config_text, "configuration");
  for (const auto& spec : option_table()) {
    if (spec.says_where()) settings.erase(spec.key());
  }
  return settings;
}

}  // namespace symmbench
