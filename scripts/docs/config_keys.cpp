#include "scripts/docs/config_keys.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <stdexcept>

#include "scripts/docs/option_words.hpp"

namespace symmbench {
namespace {

constexpr std::string_view kBegin = "<!-- generated: keys -->\n", kEnd = "<!-- end of generated -->\n";

std::string_view value_of(const OptionSpec& spec) {
  switch (spec.kind) {
    case OptionKind::names:
      return "names";
    case OptionKind::name:
      return "a name";
    case OptionKind::switches:
      return "booleans";
    case OptionKind::on_off:
    case OptionKind::flag:
      return "boolean";
    case OptionKind::counts:
      return "whole numbers";
    case OptionKind::integer:
      return "whole number";
    case OptionKind::number:
      return "number";
    case OptionKind::percent:
      return "percent: 5, \"5%\"";
    case OptionKind::bytes:
      return "bytes: 4096, \"64K\", \"1.5M\"";
    case OptionKind::seconds:
      return "time: 20, \"500ms\", \"10m\"";
    case OptionKind::path:
      return spec.argument == "DIR" ? "folder" : "file";
    case OptionKind::output:
      return "file, or true";
    case OptionKind::table:
      return "name, file, or the table itself";
    case OptionKind::text:
      return "text";
  }
  return "";
}

std::string in_cell(std::string_view text) {
  return replaced(replaced(replaced(std::string(text), "|", "\\|"), "<", "&lt;"), ">", "&gt;");
}

std::string row_of_key(const OptionSpec& spec) {
  std::string what = in_cell(spec.help);
  if (!spec.choices.empty()) what += fmt::format(": `{}`", fmt::join(names_accepted(spec), "`, `"));
  return fmt::format("| `{}` | {} | {} | {} | {} |\n", spec.key(), value_of(spec),
                     spec.default_text.empty() ? "" : fmt::format("`{}`", in_cell(spec.default_text)),
                     spec.scope == OptionScope::sweep ? "a sweep" : "a run", what);
}

std::string keys() {
  std::string text;
  for (const auto group : {OptionGroup::select, OptionGroup::shape, OptionGroup::measure, OptionGroup::stability,
                           OptionGroup::device, OptionGroup::output}) {
    text += fmt::format("\n### {}\n\n| key | value | default | of | what it is |\n|---|---|---|---|---|\n",
                        title_of(group));
    for (const auto& spec : option_table()) {
      if (spec.group == group && spec.now && spec.scope != OptionScope::command) text += row_of_key(spec);
    }
  }
  return text + "\n";
}

}  // namespace

std::string with_current_keys(const std::string& page) {
  const auto begin = page.find(kBegin), end = page.find(kEnd);
  if (begin == std::string::npos || end == std::string::npos || end < begin) {
    throw std::runtime_error(fmt::format("lacks the lines '{}' and '{}'", kBegin.substr(0, kBegin.size() - 1),
                                         kEnd.substr(0, kEnd.size() - 1)));
  }
  return page.substr(0, begin + kBegin.size()) + keys() + page.substr(end);
}

}  // namespace symmbench
