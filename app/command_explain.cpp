#include "app/command_explain.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <utility>
#include <vector>

#include "app/command_list.hpp"
#include "app/product.hpp"
#include "catalog/allocators.hpp"
#include "catalog/glossary.hpp"
#include "config/option_value.hpp"
#include "config/options.hpp"
#include "core/text.hpp"
#include "report/schema_validation.hpp"

namespace symmbench {
namespace {

/// "--of-limit" and "OF_LIMIT" are one word; "-G" and "-g" are two.
std::string plain(std::string_view word) {
  std::string text(word.substr(std::min(word.find_first_not_of('-'), word.size())));
  if (text.size() == 1) return text;
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return c == '-' || c == ' ' ? '_' : static_cast<char>(std::tolower(c)); });
  return text;
}

/// Of `symmbench list`, and what one of its entries is.
constexpr std::pair<const char*, const char*> kExplainedTopics[] = {
    {"allocators", "allocator"},          {"workspaces", "workspace"}, {"patterns", "pattern"},
    {"algorithms", "algorithm"},          {"faults", "fault"},         {"checks", "check"},
    {"configs", "shipped configuration"}, {"stacks", "stack"}};

struct Explained {
  std::string word, kind, meaning;
};

/// How the kind of a report's key begins: its path follows.
constexpr std::string_view kOfReport = "report, ";

/// Of an entry of a list; of a check on findings with what to do, and where it is from.
std::string meaning_of(const Json& entry) {
  auto text = entry.at("about").get<std::string>();
  if (entry.contains("recommended_action")) {
    text += fmt::format("\n  do: {}", entry.at("recommended_action").get<std::string>());
    if (const auto source = entry.at("source").get<std::string>(); source != "-") text += "\n  from: " + source;
  }
  return text;
}

/// Titles of the table that hold an allocator's short name.
void add_titles(std::vector<Explained>& all) {
  for (const AllocatorRow& row : kAllocators) {
    if (!row.now) continue;
    const auto title = [&](std::string_view end) { return fmt::format("{}{}", row.short_name, end); };
    if (row.short_name != row.name) {
      all.push_back({title(""), "allocator", fmt::format("{}, in tables. {}", row.name, row.about)});
    }
    all.push_back({title(" us"), "title of the table", fmt::format("time_us.mean of {}: see time_us", row.name)});
    all.push_back({title(" is"), "title of the table",
                   fmt::format("the verdict on {} against the other allocator: same, faster, slower, inconclusive or "
                               "unstable",
                               row.name)});
  }
}

/// Every key of a report, with what its schema says of it; at `path`, "results[]" say.
void add_report_keys(std::vector<Explained>& all, const Json& schema, const Json& node, const std::string& path) {
  if (const auto link = node.find("$ref"); link != node.end()) {
    const auto name = link->get<std::string>().substr(std::string_view("#/definitions/").size());
    return add_report_keys(all, schema, schema.at("definitions").at(name), path);
  }
  for (const char* alternatives : {"anyOf", "oneOf"}) {
    if (!node.contains(alternatives)) continue;
    for (const Json& one : node.at(alternatives)) add_report_keys(all, schema, one, path);
  }
  if (node.contains("items")) add_report_keys(all, schema, node.at("items"), path + "[]");
  if (!node.contains("properties")) return;
  for (const auto& [key, value] : node.at("properties").items()) {
    const Json* described = &value;
    if (!described->contains("description") && described->contains("$ref")) {
      const auto name = value.at("$ref").get<std::string>().substr(std::string_view("#/definitions/").size());
      described = &schema.at("definitions").at(name);
    }
    const auto where = path.empty() ? key : fmt::format("{}.{}", path, key);
    if (described->contains("description")) {
      all.push_back({key, fmt::format("{}{}", kOfReport, where), described->at("description").get<std::string>()});
    }
    add_report_keys(all, schema, value, where);
  }
}

/// Of several keys that are one and the same thing the first is told.
void drop_repeated(std::vector<Explained>& all) {
  std::set<std::pair<std::string, std::string>> told;
  std::erase_if(all, [&](const Explained& one) { return !told.emplace(one.word, one.meaning).second; });
}

std::vector<Explained> all_words() {
  std::vector<Explained> all;
  for (const GlossaryRow& row : kGlossary) all.push_back({std::string(row.word), "", std::string(row.meaning)});
  add_titles(all);
  for (const auto& [topic, kind] : kExplainedTopics) {
    const Json list = list_json(topic);
    for (const Json& entry : list.at("entries")) {
      all.push_back({entry.at("name").get<std::string>(), kind, meaning_of(entry)});
    }
  }
  for (const Choice& handle : option("handle").choices) {
    all.push_back({std::string(handle.name), "handle type", std::string(handle.about)});
  }
  for (const OptionSpec& spec : option_table()) {
    all.push_back({spec.flag_name(), "option", std::string(spec.help)});
    if (spec.letter != 0) all.push_back({fmt::format("-{}", spec.letter), spec.flag_name(), std::string(spec.help)});
  }
  for (const CommandSpec& command : command_table()) {
    all.push_back({std::string(command.name), "command", std::string(command.about)});
  }
  const Json schema = parse_json(schema_text("report"), "schema");
  add_report_keys(all, schema, schema, "");
  drop_repeated(all);
  return all;
}

/// "time_us.mean" of a key at results[].time_us.mean: a path or its end, with or without brackets.
bool ends_path(const Explained& one, std::string_view word) {
  if (!one.kind.starts_with(kOfReport) || word.find('.') == std::string_view::npos) return false;
  const auto bare = [](std::string text) {
    for (std::size_t at = 0; (at = text.find("[]", at)) != std::string::npos;) text.erase(at, 2);
    return text;
  };
  const auto path = bare(one.kind.substr(kOfReport.size())), end = bare(plain(word));
  return path == end || path.ends_with("." + end);
}

/// What may have been meant: "; did you mean ok?", "; there is: exit codes". Empty where nothing is near.
std::string suggestion(const std::string& word, const std::vector<std::string>& words) {
  constexpr std::size_t kShortest = 3, kMostNamed = 6;
  if (const auto nearest = nearest_name(word, words)) return fmt::format("; did you mean {}?", *nearest);
  std::set<std::string> with;
  for (const auto& one : words) {
    if (word.size() >= kShortest && one.find(word) != std::string::npos) with.insert(one);
  }
  if (with.empty() || with.size() > kMostNamed) return "";
  return fmt::format("; there is: {}", fmt::join(with, ", "));
}

int explain(const ParsedCommand& parsed) {
  print_text(explanation_of(fmt::format("{}", fmt::join(parsed.subjects, " "))));
  return 0;
}

}  // namespace

std::string explanation_of(std::string_view word) {
  std::string text;
  std::vector<std::string> words;
  for (const Explained& one : all_words()) {
    words.push_back(plain(one.word));
    if (words.back() != plain(word) && !ends_path(one, word)) continue;
    text += fmt::format("{}{}: {}\n", one.word, one.kind.empty() ? "" : fmt::format(" ({})", one.kind), one.meaning);
  }
  if (!text.empty()) return text;
  fail_config(fmt::format("'{}': not a word that is explained here{}", word, suggestion(plain(word), words)));
}

int command_explain(const ParsedCommand& parsed) { return with_name(parsed, explain); }

}  // namespace symmbench
