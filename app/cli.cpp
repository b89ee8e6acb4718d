// The only translation unit that includes CLI11. It cuts argv into options and values; what values may be is decided by
// the option table (config/options.hpp), so command line and config file cannot differ.
#include "app/cli.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>

#include "config/nccl_tests.hpp"
#include "config/option_value.hpp"
#include "config/resolve.hpp"
#include "core/shown_text.hpp"
#include "core/text.hpp"
#include "symmbench_version.hpp"

namespace symmbench {
namespace {

/// One option as CLI11 shall see it.
struct Accepted {
  std::string name;  ///< "--iters"; empty: a letter only
  char letter = 0;
  bool takes_value = true;
  bool value_optional = false;  ///< standing alone it means `on`
  bool bare = false;            ///< of a command's own: there or not, nothing to say
  bool repeats = false;         ///< values are joined with ';'
  bool as_typed = false;        ///< known by the letter where that was typed, else by `key`
  std::string key;  ///< of the option table, the command option's name, or the flag of an option of nccl-tests

  std::string shown() const { return name.empty() ? fmt::format("-{}", letter) : name; }
};

std::vector<Accepted> accepted_options(const CommandSpec& command) {
  std::vector<Accepted> all{{.name = "--help", .letter = 'h', .takes_value = false, .key = "help"}};
  for (const auto& one : command.options) {
    all.push_back({.name = fmt::format("--{}", one.name),
                   .letter = one.letter,
                   .takes_value = !one.argument.empty(),
                   .bare = one.argument.empty(),
                   .key = std::string(one.name)});
  }
  if (!command.run_options) return all;
  for (const auto& spec : option_table()) {
    all.push_back({.name = spec.flag_name(),
                   .letter = spec.letter,
                   .takes_value = spec.kind != OptionKind::flag,
                   .value_optional = spec.kind == OptionKind::output,
                   .repeats = spec.repeats,
                   .key = spec.key()});
  }
  for (const auto& option : nccl_tests_options()) {
    all.push_back({.name = option.name.empty() ? "" : option.flag_name(),
                   .letter = option.letter,
                   .as_typed = true,
                   .key = option.flag_name()});
  }
  return all;
}

const Accepted* find_accepted(const std::vector<Accepted>& options, std::string_view token) {
  const auto at = std::find_if(options.begin(), options.end(), [&](const Accepted& one) {
    return (one.name == token && !token.empty()) ||
           (one.letter && token.size() == 2 && token[0] == '-' && token[1] == one.letter);
  });
  return at == options.end() ? nullptr : &*at;
}

/// "--warmup_iters=5" to "--warmup-iters=5": both spellings are one option.
std::string with_dashes(std::string token) {
  if (!token.starts_with("--")) return token;
  const auto name_end = token.begin() + static_cast<std::ptrdiff_t>(std::min(token.find('='), token.size()));
  std::replace(token.begin(), name_end, '_', '-');
  return token;
}

/// Binds each value to its option as "--name=value", so that "-n -5" is a wrong value and not two options.
/// @throws Error{config, invalid_argument} for an option whose value is missing or empty
std::vector<std::string> bound_tokens(const std::vector<std::string>& arguments, const std::vector<Accepted>& options) {
  std::vector<std::string> tokens;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto token = with_dashes(arguments[i]);
    const auto* option = find_accepted(options, token);
    if (token.ends_with('=') && find_accepted(options, token.substr(0, token.size() - 1))) {
      fail_config(fmt::format("{} '': must not be empty", token.substr(0, token.size() - 1)));
    }
    if (!option || !option->takes_value) {
      tokens.push_back(token);
      continue;
    }
    const std::string_view next = i + 1 < arguments.size() ? arguments[i + 1] : std::string_view();
    if (option->value_optional && stands_alone_before(next)) {
      tokens.push_back(fmt::format("{}=on", option->name));
      continue;
    }
    if (i + 1 == arguments.size()) fail_config(fmt::format("{}: needs a value", token));
    const auto& value = arguments[++i];
    if (find_accepted(options, with_dashes(value))) {
      fail_config(fmt::format("{}: needs a value, and '{}' is an option", token, value));
    }
    if (value.empty()) fail_config(fmt::format("{} '': must not be empty", token));
    if (option->name.empty()) {
      tokens.push_back(fmt::format("-{}{}", option->letter, value));  // CLI11 reads "-K=0" as the value "=0"
    } else {
      tokens.push_back(fmt::format("{}={}", option->name, value));
    }
  }
  return tokens;
}

[[noreturn]] void fail_unknown(const std::string& token, const std::vector<Accepted>& options) {
  if (!token.starts_with('-')) fail_config(fmt::format("'{}': not an option; see --help", token));
  std::vector<std::string> names;
  for (const auto& one : options) {
    if (!one.name.empty()) names.push_back(one.name);
  }
  const auto name = token.substr(0, token.find('='));
  const auto nearest = nearest_name(name, names);
  fail_config(fmt::format("{}: unknown option{}", name,
                          nearest ? fmt::format("; did you mean {}?", *nearest) : "; see --help"));
}

/// What was typed: option key to text, and the positional arguments.
struct Typed {
  TypedOptions text;
  std::vector<std::string> positionals;
};

/// Whether an option's long name is among the words, alone or before "=".
bool typed_by_name(const Accepted& option, const std::vector<std::string>& arguments) {
  return std::any_of(arguments.begin(), arguments.end(), [&](const std::string& word) {
    const auto token = with_dashes(word);
    return token.substr(0, token.find('=')) == option.name;
  });
}

Typed tokenize(const CommandSpec& command, const std::vector<std::string>& arguments) {
  const auto options = accepted_options(command);
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::vector<std::pair<const Accepted*, CLI::Option*>> parsed;
  for (const auto& one : options) {
    const auto names = one.letter && !one.name.empty() ? fmt::format("-{},{}", one.letter, one.name) : one.shown();
    auto* option = one.takes_value ? app.add_option(names) : app.add_flag(names);
    parsed.emplace_back(&one, option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll));
  }
  auto tokens = bound_tokens(arguments, options);
  std::reverse(tokens.begin(), tokens.end());  // CLI11 takes them from the back
  try {
    app.parse(std::move(tokens));
  } catch (const CLI::ParseError& error) {
    fail_config(error.what());
  }
  Typed typed;
  for (const auto& [one, option] : parsed) {
    const auto& results = option->results();
    if (results.empty()) continue;
    if (one->repeats) {
      typed.text.emplace(one->key, fmt::format("{}", fmt::join(results, ";")));
      continue;
    }
    if (results.size() > 1) fail_config(fmt::format("{}: given {} times; give it once", one->shown(), results.size()));
    if (one->bare && results.front() != "true") {
      fail_config(fmt::format("{} '{}': takes no value", one->shown(), results.front()));
    }
    const bool by_letter = one->as_typed && one->letter != 0 && !typed_by_name(*one, arguments);
    typed.text.emplace(by_letter ? fmt::format("-{}", one->letter) : one->key, results.front());
  }
  for (const auto& rest : app.remaining()) {
    if (command.positional.empty() || (rest.starts_with('-') && !command.with_dashes)) fail_unknown(rest, options);
    if (!command.several && !typed.positionals.empty()) {
      fail_config(fmt::format("'{}': takes one {}, and has '{}'", rest, command.positional, typed.positionals[0]));
    }
    typed.positionals.push_back(rest);
  }
  return typed;
}

int ranks_from(const std::string& text) {
  const OptionSpec spec{.name = "ranks",
                        .kind = OptionKind::integer,
                        .scope = OptionScope::command,
                        .group = OptionGroup::select,
                        .bounds = {.low = 1, .high = 65536}};
  return value_from_text(spec, text, Origin::command_line(spec)).get<int>();
}

double percent_from(std::string_view name, const std::string& text) {
  OptionSpec spec = option("max_regress");
  spec.name = name;
  return value_from_text(spec, text, Origin::command_line(spec)).get<double>();
}

/// The options of the table that belong to the configuration, as resolve() takes them.
Json configuration_of(const Typed& typed) {
  Json configuration = Json::object();
  for (const auto& [key, text] : typed.text) {
    const auto* spec = find_option(key);
    if (spec && spec->scope != OptionScope::command) configuration[key] = text;
  }
  return configuration;
}

ParsedCommand parse_command(const CommandSpec& command, const std::vector<std::string>& arguments) {
  ParsedCommand parsed;
  parsed.command = command.name;
  const bool wants_help = std::find(arguments.begin(), arguments.end(), "--help") != arguments.end() ||
                          std::find(arguments.begin(), arguments.end(), "-h") != arguments.end();
  if (wants_help) {
    parsed.text = help_of(command);
    return parsed;
  }
  auto typed = tokenize(command, arguments);
  parsed.json = typed.text.contains("json");
  parsed.trace = typed.text.contains("trace");
  parsed.force = typed.text.contains("force");
  if (const auto at = typed.text.find("max-regress"); at != typed.text.end()) {
    parsed.max_regress = percent_from("max-regress", at->second);
  }
  if (const auto at = typed.text.find("margin"); at != typed.text.end()) {
    parsed.margin = percent_from("margin", at->second);
  }
  // "--from a.json b.json": the first one is the option's, the others stand behind it.
  if (const auto at = typed.text.find("from"); at != typed.text.end()) {
    typed.positionals.insert(typed.positionals.begin(), at->second);
  }
  if (const auto at = typed.text.find("format"); at != typed.text.end()) parsed.format = at->second;
  if (const auto at = typed.text.find("output"); at != typed.text.end()) parsed.output = at->second;
  if (!command.positional.empty()) {
    if (typed.positionals.empty()) {
      const auto which = command.subjects.empty() ? "" : fmt::format(", one of {}", command.subjects);
      fail_config(fmt::format("needs {}{}; see --help", command.positional, which));
    }
    parsed.subjects = typed.positionals;
  }
  parsed.typed = typed.text;
  if (!command.run_options) return parsed;
  refuse_nccl_tests_variables([](const char* name) -> const char* { return std::getenv(name); });
  parsed.notes = take_nccl_tests_options(typed.text);
  const char* const min_bandwidth = std::getenv("NCCL_TESTS_MIN_BW");
  if (auto note = take_min_bandwidth(typed.text, min_bandwidth)) {
    parsed.notes.push_back(std::move(*note));
  }
  parsed.typed = typed.text;
  parsed.plan_only = typed.text.contains("plan");
  if (const auto at = typed.text.find("ranks"); at != typed.text.end()) parsed.ranks = ranks_from(at->second);
  std::optional<Document> file;
  if (const auto at = typed.text.find("config"); at != typed.text.end()) {
    parsed.config_path = at->second;
    file = load_config(at->second);
  }
  auto context = context_from_environment(parsed.config_path);
  if (file) context.file_lines = std::move(file->lines);
  try {
    parsed.config = resolve(file ? &file->value : nullptr, configuration_of(typed), context);
  } catch (const Error& error) {
    if (!min_bandwidth || error.failure().detail.find("--min-busbw") == std::string::npos) throw;
    fail_config(fmt::format("NCCL_TESTS_MIN_BW='{}' in the environment: {}", min_bandwidth, error.failure().detail));
  }
  return parsed;
}

[[noreturn]] void fail_as(std::string_view who, const Error& error) {
  auto failure = error.failure();
  failure.detail = fmt::format("{}: {}", who, failure.detail);
  throw Error(std::move(failure));
}

}  // namespace

ParsedCommand parse_command_line(const std::vector<std::string>& arguments) {
  if (arguments.empty()) fail_config("symmbench: needs a command; see symmbench --help");
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (!is_utf8(arguments[i])) fail_config(fmt::format("symmbench: argument {} must be UTF-8 text", i + 1));
  }
  const auto& name = arguments.front();
  if (name == "help" && arguments.size() > 1) return parse_command_line({arguments[1], "--help"});
  if (name == "--help" || name == "-h" || name == "help") return {.text = help_of_tool()};
  if (name == "--version") return {.text = fmt::format("symmbench {} ({})\n", kVersion, kGitRevision)};
  for (const auto& command : command_table()) {
    if (command.name != name) continue;
    try {
      return parse_command(command, {arguments.begin() + 1, arguments.end()});
    } catch (const Error& error) {
      fail_as(fmt::format("symmbench {}", name), error);
    }
  }
  std::vector<std::string> names;
  for (const auto& command : command_table()) names.emplace_back(command.name);
  const auto nearest = nearest_name(name, names);
  fail_config(fmt::format("symmbench: '{}' is not a command{}; see symmbench --help", name,
                          nearest ? fmt::format("; did you mean {}?", *nearest) : ""));
}

ParsedCommand parse_command_line(int argc, const char* const* argv) {
  return parse_command_line(std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
}

}  // namespace symmbench
