#include "scripts/docs/bash_completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "scripts/docs/option_words.hpp"

namespace symmbench {
namespace {

using Takes = CompletedOption::Takes;

constexpr std::string_view kHead =
    R"bash(# bash completion for symmbench. Written by scripts/generate_docs.sh from the tables of options and commands.

# Words, of which several may stand with commas between them.
_symmbench_list() {
  local before=
  [[ $cur == *,* ]] && before=${cur%,*},
  COMPREPLY=($(compgen -P "$before" -W "$1" -- "${cur##*,}"))
}

# What may follow an option of a command; fails where the option takes nothing.
_symmbench_value() {
  case $1$2 in
)bash";

constexpr std::string_view kTail = R"bash(    *) return 1 ;;
  esac
}

_symmbench() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command= i
  # "--option=value" is three words to bash.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]]; then
    prev=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; ++i)); do
    if [[ ${COMP_WORDS[i]} != -* ]]; then
      command=${COMP_WORDS[i]}
      break
    fi
  done
  COMPREPLY=()
  [[ $prev == -* ]] && _symmbench_value "$command" "$prev" && return
  if [[ -z $command ]]; then
    COMPREPLY=($(compgen -W "$_symmbench_commands --help --version" -- "$cur"))
  elif [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$(_symmbench_options "$command")" -- "$cur"))
  else
    _symmbench_subject "$command"
  fi
}

complete -F _symmbench symmbench
)bash";

std::string bash_action_of(const CompletedOption& option) {
  const auto words = fmt::format("{}", fmt::join(option.words, " "));
  switch (option.takes) {
    case Takes::nothing:
      return "";
    case Takes::anything:
      return ":";
    case Takes::one_of:
      return fmt::format("COMPREPLY=($(compgen -W '{}' -- \"$cur\"))", words);
    case Takes::list_of:
      return fmt::format("_symmbench_list '{}'", words);
    case Takes::file:
      return fmt::format("COMPREPLY=($(compgen -W '{}' -f -- \"$cur\"))", words);
    case Takes::folder:
      return "COMPREPLY=($(compgen -d -- \"$cur\"))";
  }
  return "";
}

}  // namespace

std::string bash_completion() {
  std::string text(kHead), options, subjects;
  std::vector<std::string> names;
  for (const CommandSpec& command : command_table()) {
    std::vector<std::string> long_names;
    for (const CompletedOption& option : completed_options(command)) {
      long_names.push_back(option.name);
      const auto action = bash_action_of(option);
      if (action.empty()) continue;
      const auto letter = option.letter ? fmt::format(" | {}-{}", command.name, option.letter) : "";
      text += fmt::format("    {}{}{}) {} ;;\n", command.name, option.name, letter, action);
    }
    names.emplace_back(command.name);
    options += fmt::format("    {}) echo '{}' ;;\n", command.name, fmt::join(long_names, " "));
    const auto words = completed_subjects(command.name);
    if (!words.empty()) {
      subjects +=
          fmt::format("    {}) COMPREPLY=($(compgen -W '{}' -- \"$cur\")) ;;\n", command.name, fmt::join(words, " "));
    } else if (subject_is_file(command)) {
      subjects += fmt::format("    {}) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n", command.name);
    }
  }
  subjects += fmt::format("    help) COMPREPLY=($(compgen -W '{}' -- \"$cur\")) ;;\n", fmt::join(names, " "));
  std::string tail(kTail);
  const auto at = tail.find("_symmbench() {");
  tail.insert(at, fmt::format("_symmbench_commands='{} help'\n\n_symmbench_options() {{\n  case $1 in\n{}  esac\n}}\n\n"
                              "_symmbench_subject() {{\n  case $1 in\n{}  esac\n}}\n\n",
                              fmt::join(names, " "), options, subjects));
  return text + tail;
}

}  // namespace symmbench
