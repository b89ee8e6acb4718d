#include "config/repro.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "config/option_value.hpp"

namespace symmbench {
namespace {

/// mpirun looks for a --tune of its own in the whole command line, and would take the next word for its file.
const std::string kTuneForMpirun = "--tune=on";

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
      if (at->get<bool>()) words += " " + (spec.name == "tune" ? kTuneForMpirun : spec.flag_name());
      continue;
    }
    const auto text = text_from_value(spec, *at);
    const auto origin = Origin::default_of(spec);
    if (!spec.default_text.empty() && value_from_text(spec, spec.default_text, origin) == *at) continue;
    words += fmt::format(" {} {}", spec.flag_name(), shell_word(text));
  }
  return words;
}

/// An option as typed: its row of the option table, and whether the next word is its value.
struct TypedOption {
  const OptionSpec* spec = nullptr;  ///< nullptr: none of the table
  std::string value;                 ///< joined to it: "--config=x", "-Jx"
  bool value_follows = false;
};

TypedOption typed_option(const std::string& word) {
  TypedOption typed;
  if (!word.starts_with('-') || word.size() < 2) return typed;
  if (word.starts_with("--")) {
    const auto end = std::min(word.find('='), word.size());
    std::string key = word.substr(2, end - 2);
    std::replace(key.begin(), key.end(), '-', '_');
    typed.spec = find_option(key);
    if (end < word.size()) typed.value = word.substr(end + 1);
  } else {
    const auto table = option_table();
    const auto at =
        std::find_if(table.begin(), table.end(), [&](const OptionSpec& spec) { return spec.letter == word[1]; });
    if (at != table.end()) typed.spec = &*at;
    typed.value = word.substr(2);
  }
  typed.value_follows = typed.spec != nullptr && typed.spec->kind != OptionKind::flag && typed.value.empty();
  return typed;
}

/// A file where there is one, made absolute; the name of a shipped one otherwise.
std::string absolute_if_file(const std::string& value) {
  std::error_code failed;
  if (!std::filesystem::is_regular_file(value, failed)) return value;
  const auto path = std::filesystem::absolute(value, failed);
  return failed ? value : path.lexically_normal().string();
}

std::string typed_without_outputs(const std::vector<std::string>& words) {
  std::string command;
  for (std::size_t i = 0; i < words.size(); ++i) {
    TypedOption typed = typed_option(words[i]);
    const std::string& option = words[i];
    const bool stands_alone = typed.spec != nullptr && typed.spec->kind == OptionKind::output &&
                              stands_alone_before(i + 1 < words.size() ? words[i + 1] : std::string());
    const bool takes_next = typed.value_follows && i + 1 < words.size() && !stands_alone;
    if (takes_next) typed.value = words[++i];
    if (typed.spec != nullptr && typed.spec->says_where()) continue;
    const bool reads_file =
        typed.spec != nullptr && (typed.spec->kind == OptionKind::path || typed.spec->kind == OptionKind::table);
    if (reads_file) {
      command += fmt::format(" {} {}", typed.spec->flag_name(), shell_word(absolute_if_file(typed.value)));
      continue;
    }
    command += " " + (option == "--tune" ? kTuneForMpirun : shell_word(option));
    if (takes_next) command += " " + shell_word(typed.value);
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
  const bool has_table = settings.contains("tuning") && settings.at("tuning").is_object();
  if (config.sweeps.size() == 1 && !has_table) return start + options_that_differ(settings);
  return start + typed_without_outputs({launch.arguments.begin() + 1, launch.arguments.end()});
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
