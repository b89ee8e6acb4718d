#include "scripts/docs/option_words.hpp"

#include <algorithm>

#include "app/command_list.hpp"
#include "config/tuning.hpp"

namespace symmbench {
namespace {

using Takes = CompletedOption::Takes;

/// Help begins with what an option is and goes on with what else is to say; a completion shows the beginning.
std::string beginning(std::string_view help) {
  const auto end = std::min({help.find(": "), help.find("; "), help.find(". "), help.size()});
  return std::string(help.substr(0, end));
}

Takes takes_of(const OptionSpec& spec) {
  switch (spec.kind) {
    case OptionKind::flag:
      return Takes::nothing;
    case OptionKind::names:
    case OptionKind::switches:
      return Takes::list_of;
    case OptionKind::name:
    case OptionKind::on_off:
      return Takes::one_of;
    case OptionKind::output:
    case OptionKind::table:
      return Takes::file;
    case OptionKind::path:
      return spec.argument == "DIR" ? Takes::folder : Takes::file;
    default:
      return Takes::anything;
  }
}

std::vector<std::string> words_of(const OptionSpec& spec) {
  std::vector<std::string> words = names_now(spec);
  if (spec.kind == OptionKind::switches || spec.kind == OptionKind::on_off) words = {"on", "off"};
  if (spec.name == "config") {
    for (const auto& config : shipped_configs()) words.emplace_back(config.name);
  }
  if (spec.kind == OptionKind::table) {
    words = {"auto", "computed"};
    for (const auto& tuning : shipped_tunings()) words.emplace_back(tuning.name);
  }
  return words;
}

}  // namespace

std::vector<CompletedOption> completed_options(const CommandSpec& command) {
  std::vector<CompletedOption> all;
  for (const auto& one : command.options) {
    const auto takes = one.argument.empty()               ? Takes::nothing
                       : one.argument.starts_with("FILE") ? Takes::file
                                                          : Takes::anything;
    all.push_back({"--" + std::string(one.name), one.letter, beginning(one.help), takes, {}});
  }
  if (command.run_options) {
    for (const auto& spec : option_table()) {
      if (!spec.now) continue;
      all.push_back({spec.flag_name(), spec.letter, beginning(spec.help), takes_of(spec), words_of(spec)});
    }
  }
  all.push_back({"--help", 'h', "print help and exit", Takes::nothing, {}});
  return all;
}

std::vector<std::string> completed_subjects(std::string_view command) {
  std::vector<std::string> words;
  if (command == "list") {
    for (const auto topic : list_topics()) words.emplace_back(topic);
  } else if (command == "help") {
    for (const auto& spec : command_table()) words.emplace_back(spec.name);
  }
  return words;
}

bool subject_is_file(const CommandSpec& command) {
  return !command.positional.empty() && command.positional != "WHAT" && command.positional != "WORD";
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace symmbench
