#include "app/command_explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

#include "app/command_list.hpp"
#include "app/product.hpp"
#include "catalog/glossary.hpp"
#include "config/option_value.hpp"
#include "config/options.hpp"
#include "core/text.hpp"

namespace symmbench {
namespace {

/// "--of-limit" and "OF_LIMIT" are one word.
std::string plain(std::string_view word) {
  std::string text(word.substr(std::min(word.find_first_not_of('-'), word.size())));
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return c == '-' || c == ' ' ? '_' : static_cast<char>(std::tolower(c)); });
  return text;
}

/// Of `symmbench list`, and what one of its entries is.
constexpr std::pair<const char*, const char*> kExplainedTopics[] = {
    {"allocators", "allocator"},         {"workspaces", "workspace"}, {"patterns", "pattern"},
    {"algorithms", "algorithm"},         {"faults", "fault"},         {"checks", "check"},
    {"configs", "shipped configuration"}};

struct Explained {
  std::string word, kind, meaning;
};

std::vector<Explained> all_words() {
  std::vector<Explained> all;
  for (const GlossaryRow& row : kGlossary) all.push_back({std::string(row.word), "", std::string(row.meaning)});
  for (const auto& [topic, kind] : kExplainedTopics) {
    const Json list = list_json(topic);
    for (const Json& entry : list.at("entries")) {
      all.push_back({entry.at("name").get<std::string>(), kind, entry.at("about").get<std::string>()});
    }
  }
  for (const Choice& handle : option("handle").choices) {
    all.push_back({std::string(handle.name), "handle type", std::string(handle.about)});
  }
  for (const OptionSpec& spec : option_table()) all.push_back({spec.flag_name(), "option", std::string(spec.help)});
  return all;
}

int explain(const ParsedCommand& parsed) {
  print_product(explanation_of(parsed.subjects.front()));
  return 0;
}

}  // namespace

std::string explanation_of(std::string_view word) {
  std::string text;
  std::vector<std::string> words;
  for (const Explained& one : all_words()) {
    words.push_back(plain(one.word));
    if (words.back() != plain(word)) continue;
    text += fmt::format("{}{}: {}\n", one.word, one.kind.empty() ? "" : fmt::format(" ({})", one.kind), one.meaning);
  }
  if (!text.empty()) return text;
  const auto nearest = nearest_name(plain(word), words);
  fail_config(fmt::format("'{}': not a word that is explained here{}", word,
                          nearest ? fmt::format("; did you mean {}?", *nearest) : ""));
}

int command_explain(const ParsedCommand& parsed) { return with_name(parsed, explain); }

}  // namespace symmbench
