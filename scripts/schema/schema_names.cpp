#include "scripts/schema/schema_names.hpp"

#include <regex>
#include <stdexcept>

#include "config/options.hpp"
#include "config/tuning.hpp"
#include "core/error.hpp"

namespace symmbench {
namespace {

constexpr std::size_t kLineWidth = 120;

/// The spelling of each enumerator of an enumeration without gaps, from `first` on.
template <class E>
std::vector<std::string> names_from(E first) {
  std::vector<std::string> names;
  for (int i = static_cast<int>(first); name_of(static_cast<E>(i)) != "?"; ++i) {
    names.emplace_back(name_of(static_cast<E>(i)));
  }
  return names;
}

/// Lines of quoted names, each with `indent` before it and filled up to kLineWidth.
std::string filled(const std::vector<std::string>& names, const std::string& indent) {
  std::string text, line = indent;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string word = '"' + names[i] + '"' + (i + 1 < names.size() ? "," : "");
    if (line.size() > indent.size() && line.size() + 1 + word.size() > kLineWidth) {
      text += line + '\n';
      line = indent;
    }
    line += (line.size() > indent.size() ? " " : "") + word;
  }
  return text + line + '\n';
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "\"" : ", \"") + name + '"';
  return text;
}

/// A definition in one line where it fits, with a comma behind it, else as the files are laid out.
std::string definition(const std::string& indent, const std::string& name, const std::string& description,
                       const std::vector<std::string>& names) {
  const std::string head = indent + '"' + name + "\": {";
  std::string in_line = head + (description.empty() ? "" : description + ", ") + "\"enum\": [" + joined(names) + "]}";
  if (in_line.size() < kLineWidth) return in_line;
  const std::string inner = indent + "  ";
  return head + '\n' + (description.empty() ? "" : inner + description + ",\n") + inner + "\"enum\": [\n" +
         filled(names, inner + "  ") + inner + "]\n" + indent + '}';
}

}  // namespace

std::map<std::string, std::vector<std::string>> schema_names(std::string_view schema) {
  std::map<std::string, std::vector<std::string>> names;
  if (schema == "config") {
    for (const auto& spec : option_table()) {
      if (!spec.now || spec.scope == OptionScope::command || spec.choices.empty()) continue;
      names[spec.key()] = names_accepted(spec);
    }
  } else if (schema == "tuning") {
    names["pattern"] = names_now(option("pattern"));
    names["datatype"] = names_now(option("datatype"));
    names["algorithm"] = tunable_algorithms();
  } else if (schema == "report") {
    names["datatype"] = names_now(option("datatype"));
    names["layer"] = names_from(Layer{});
    names["reason"] = names_from(Reason{});
    names["phase"] = names_from(Phase{});
  }
  return names;
}

std::string with_current_names(std::string text, std::string_view schema) {
  for (const auto& [name, names] : schema_names(schema)) {
    const std::regex pattern("( *)\"" + name +
                             R"re(": \{\s*(?:("description": "[^"]*"),\s*)?"enum": \[[^\]]*\]\s*\})re");
    const std::sregex_iterator found(text.begin(), text.end(), pattern), end;
    if (std::distance(found, end) != 1) {
      throw std::runtime_error(std::string(schema) + ".schema.json must have one definition \"" + name +
                               "\": {\"enum\": [...]}");
    }
    const std::smatch& match = *found;
    const auto renewed = definition(match[1], name, match[2], names);
    text.replace(static_cast<std::size_t>(match.position()), static_cast<std::size_t>(match.length()), renewed);
  }
  return text;
}

}  // namespace symmbench
