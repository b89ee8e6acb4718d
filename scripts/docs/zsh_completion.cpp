#include "scripts/docs/zsh_completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "scripts/docs/option_words.hpp"

namespace symmbench {
namespace {

using Takes = CompletedOption::Takes;

/// Within single quotes of the shell, and within the brackets and colons of _arguments.
std::string quoted(std::string text) {
  for (const char* special : {"\\", "[", "]", ":"}) text = replaced(text, special, std::string("\\") + special);
  return replaced(text, "'", "'\\''");
}

std::string zsh_action_of(const CompletedOption& option) {
  const auto words = fmt::format("{}", fmt::join(option.words, " "));
  switch (option.takes) {
    case Takes::nothing:
      return "";
    case Takes::anything:
      return ":value: ";
    case Takes::one_of:
      return fmt::format(":name:({})", words);
    case Takes::list_of:
      return fmt::format(":names:_values -s , names {}", words);
    case Takes::file:
      return words.empty() ? ":file:_files"
                           : fmt::format(":file:_alternative \"names\\:name\\:({})\" \"files\\:file\\:_files\"", words);
    case Takes::folder:
      return ":folder:_files -/";
  }
  return "";
}

std::string spec_of(const CompletedOption& option) {
  const auto rest = fmt::format("[{}]{}", quoted(option.help), replaced(zsh_action_of(option), "'", "'\\''"));
  if (option.letter == 0) return fmt::format("'{}{}'", option.name, rest);
  return fmt::format("'(-{0} {1})'{{-{0},{1}}}'{2}'", option.letter, option.name, rest);
}

}  // namespace

std::string zsh_completion() {
  std::string text =
      "#compdef symmbench\n"
      "# zsh completion for symmbench. Written by scripts/generate_docs.sh from the tables of options and commands.\n\n"
      "_symmbench() {\n  local context state state_descr line\n  typeset -A opt_args\n  local -a commands=(\n";
  for (const CommandSpec& command : command_table()) {
    text += fmt::format("    '{}:{}'\n", command.name, quoted(std::string(command.about)));
  }
  text +=
      "    'help:what --help of a command prints'\n  )\n"
      "  _arguments -C '(-h --help)'{-h,--help}'[print help and exit]' '--version[print the version and exit]' \\\n"
      "    '1:command:->command' '*::argument:->argument' && return\n"
      "  case $state in\n    command) _describe command commands && return ;;\n  esac\n  case $words[1] in\n";
  for (const CommandSpec& command : command_table()) {
    text += fmt::format("    {})\n      _arguments -s", command.name);
    for (const CompletedOption& option : completed_options(command))
      text += fmt::format(" \\\n        {}", spec_of(option));
    const auto words = completed_subjects(command.name);
    const auto several = command.several ? "*" : "1";
    if (!words.empty()) {
      text += fmt::format(" \\\n        '{}:what:({})'", several, fmt::join(words, " "));
    } else if (subject_is_file(command)) {
      text += fmt::format(" \\\n        '{}:file:_files'", several);
    }
    text += "\n      ;;\n";
  }
  text += fmt::format("    help)\n      _arguments '1:command:({})'\n      ;;\n  esac\n}}\n\n_symmbench \"$@\"\n",
                      fmt::join(completed_subjects("help"), " "));
  return text;
}

}  // namespace symmbench
