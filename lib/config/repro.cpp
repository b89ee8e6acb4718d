#include "config/repro.hpp"

#include <fmt/format.h>

#include "config/option_value.hpp"

namespace symmbench {
namespace {

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
      // mpirun looks for a --tune of its own in the whole command line, and would take the next word for its file.
      if (at->get<bool>()) words += fmt::format(" {}{}", spec.flag_name(), spec.name == "tune" ? "=on" : "");
      continue;
    }
    if (at->is_object()) {
      words += fmt::format(" {} tuning.json", spec.flag_name());
      continue;
    }
    const auto text = text_from_value(spec, *at);
    const auto origin = Origin::default_of(spec);
    if (!spec.default_text.empty() && value_from_text(spec, spec.default_text, origin) == *at) continue;
    words += fmt::format(" {} {}", spec.flag_name(), shell_word(text));
  }
  return words;
}

}  // namespace

std::string repro_command(const RunConfig& config, int world_size) {
  const auto echo = parse_json(config.config_text, "configuration");
  const auto launch = fmt::format("mpirun -n {} symmbench run", world_size);
  if (config.sweeps.size() > 1) return launch + " --config repro.json  # repro.json: run.config of this report";
  Json settings = echo;
  settings.erase("sweeps");
  settings.update(echo.at("sweeps").front());
  const bool needs_file = settings.contains("tuning") && settings.at("tuning").is_object();
  return launch + options_that_differ(settings) +
         (needs_file ? "  # tuning.json: run.config.tuning of this report" : "");
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
