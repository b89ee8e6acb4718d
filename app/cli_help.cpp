#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "app/cli.hpp"
#include "config/options.hpp"
#include "core/text.hpp"

namespace symmbench {
namespace {

constexpr std::size_t kTextColumn = 26;
constexpr std::size_t kWidth = 80;
constexpr std::string_view kLaterMark = "(not in this version) ";

/// `left`, then `text` wrapped between `column` and kWidth.
std::string hanging(const std::string& left, std::string_view text, std::size_t column) {
  std::string lines, line = left;
  const auto break_line = [&] {
    lines += line + "\n";
    line.clear();
  };
  if (line.size() + (line.empty() ? 0 : 2) > column) break_line();
  line.resize(column, ' ');
  bool first_word = true;
  for (const auto& word : split_list(text, ' ')) {
    if (!first_word && line.size() + 1 + word.size() > kWidth) {
      break_line();
      line.assign(column, ' ');
      first_word = true;
    }
    if (!first_word) line += ' ';
    line += word;
    first_word = false;
  }
  break_line();
  return lines;
}

std::string two_columns(const std::string& left, const std::string& text) { return hanging(left, text, kTextColumn); }

/// One paragraph, wherever the lines of `text` end.
std::string paragraph(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  while (text.ends_with(' ')) text.pop_back();
  return hanging("", text, 0);
}

/// Each line begins with its exit codes; what they mean hangs behind them.
std::string exit_code_lines(std::string_view text) {
  std::string lines;
  for (const auto& line : split_list(text, '\n')) {
    const auto gap = line.find("  ", line.find_first_not_of(' '));
    if (line.empty()) continue;
    const auto meaning = line.find_first_not_of(' ', gap);
    lines += hanging(line.substr(0, gap), std::string_view(line).substr(meaning), meaning);
  }
  return lines;
}

/// " [default: 20 s; greater than 0]": what help alone does not say.
std::string limits_of(const OptionSpec& spec) {
  std::vector<std::string> parts;
  if (!spec.choices.empty()) {
    const auto now = names_now(spec), later = names_later(spec);
    const char* many = spec.kind == OptionKind::names ? "any of " : "one of ";
    if (!now.empty()) parts.push_back(fmt::format("{}{}", many, fmt::join(now, ", ")));
    if (!later.empty()) parts.push_back(fmt::format("not in this version: {}", fmt::join(later, ", ")));
  }
  if (!spec.default_text.empty()) parts.push_back(fmt::format("default: {}", spec.default_text));
  return parts.empty() ? "" : fmt::format(" [{}]", fmt::join(parts, "; "));
}

std::string option_lines(const OptionSpec& spec) {
  const auto letter = spec.letter ? fmt::format("-{}, ", spec.letter) : std::string(4, ' ');
  const auto left =
      fmt::format("  {}{}{}{}", letter, spec.flag_name(), spec.argument.empty() ? "" : " ", spec.argument);
  return two_columns(left, fmt::format("{}{}{}", spec.now ? "" : kLaterMark, spec.help, limits_of(spec)));
}

}  // namespace

std::string details_of(const CommandSpec& command) {
  const auto which = command.subjects.empty() ? "" : fmt::format("{}: {}. ", command.positional, command.subjects);
  return which + std::string(command.details);
}

std::string help_of(const CommandSpec& command) {
  constexpr std::string_view kUsage = "Usage: ";
  auto text = hanging("", fmt::format("symmbench {} {}", command.name, command.arguments), kUsage.size()) + "\n";
  text.replace(0, kUsage.size(), kUsage);
  text += paragraph(fmt::format("symmbench {}: {}.", command.name, command.about));
  if (const auto details = details_of(command); !details.empty()) text += paragraph(details);
  text += "\nOptions\n";
  for (const auto& one : command.options) {
    const auto letter = one.letter ? fmt::format("-{}, ", one.letter) : std::string(4, ' ');
    text += two_columns(fmt::format("  {}--{}{}{}", letter, one.name, one.argument.empty() ? "" : " ", one.argument),
                        std::string(one.help));
  }
  text += two_columns("  -h, --help", "print this and exit");
  if (command.run_options) {
    for (const auto group : {OptionGroup::select, OptionGroup::shape, OptionGroup::measure, OptionGroup::stability,
                             OptionGroup::device, OptionGroup::output}) {
      text += fmt::format("\n{}\n", title_of(group));
      for (const auto& spec : option_table()) {
        if (spec.group == group) text += option_lines(spec);
      }
    }
  }
  text += "\nExit codes\n" + exit_code_lines(command.exit_codes);
  return text;
}

std::string help_of_tool() {
  std::string text = paragraph(
      "symmbench: do allreduce workspaces work, stay working and run fast on this fabric, and which allocator should "
      "back "
      "them?");
  text +=
      "\nUsage: mpirun -n RANKS symmbench run [options]\n"
      "       symmbench COMMAND [options]\n\nCommands\n";
  for (const auto& command : command_table()) {
    text += two_columns(fmt::format("  {}", command.name), std::string(command.about));
  }
  text += "\n" + paragraph(
                     "`symmbench COMMAND --help` tells its options and exit codes, `symmbench --version` which "
                     "build this is.");
  return text;
}

}  // namespace symmbench
