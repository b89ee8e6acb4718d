#include "report/redact.hpp"

#include <algorithm>
#include <cctype>

#include "core/secret_names.hpp"
#include "journal/codec.hpp"

namespace symmbench {
namespace {

/// How keys of well-known services begin, and how long they are at least.
struct Shape {
  std::string_view prefix;
  std::size_t length;
};
constexpr Shape kShapes[] = {{"ghp_", 36},   {"gho_", 36},  {"ghs_", 36},  {"ghu_", 36},   {"github_pat_", 40},
                             {"glpat-", 20}, {"hf_", 24},   {"sk-", 24},   {"nvapi-", 24}, {"AKIA", 20},
                             {"ASIA", 20},   {"xoxb-", 20}, {"xoxp-", 20}, {"eyJ", 60}};

constexpr std::size_t kLeastBearer = 16;  // else it is a word of a sentence

bool in_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-'; }
bool in_key(char c) { return in_name(c) || c == '.'; }
bool is_space(char c) { return c == ' ' || c == '\t'; }

std::string lower(std::string_view text) {
  std::string word(text);
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::tolower(c)); });
  return word;
}

std::size_t skip(std::string_view text, std::size_t at, bool (*what)(char)) {
  while (at < text.size() && what(text[at])) ++at;
  return at;
}

/// Where the value that belongs to a name ending at `at` begins: after '=' or ':', or, for an option, a space.
std::size_t value_after(std::string_view text, std::size_t at, bool is_option) {
  auto next = at;
  if (next < text.size() && (text[next] == '"' || text[next] == '\'')) ++next;  // JSON's own quote of the name
  next = skip(text, next, is_space);
  if (next < text.size() && (text[next] == '=' || text[next] == ':')) return skip(text, next + 1, is_space);
  return is_option && next > at ? next : std::string_view::npos;
}

/// The end of the value that begins at `at`; its quotes are none of it.
std::size_t end_of_value(std::string_view text, std::size_t at, char quote) {
  const auto ends = quote != 0 ? std::string(1, quote) + "\n" : std::string(" \t\n\r\"',;&");
  return std::min(text.find_first_of(ends, at), text.size());
}

}  // namespace

/// Values behind a name that says what they are.
std::string Redactor::named_values(std::string_view text) {
  std::string clean;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto name_end = skip(text, at, in_name);
    if (name_end == at) {
      clean += text[at++];
      continue;
    }
    const auto name = text.substr(at, name_end - at);
    clean += name;
    at = name_end;
    const bool bearer = lower(name) == "bearer";
    if (!bearer && !names_secret(name)) continue;
    auto value = value_after(text, name_end, bearer || name.starts_with("--"));
    if (value == std::string_view::npos) continue;
    const char quote = value < text.size() && (text[value] == '"' || text[value] == '\'') ? text[value] : '\0';
    if (quote != 0) ++value;
    for (const std::string_view scheme : {"bearer ", "basic "}) {
      if (lower(text.substr(value, scheme.size())) == scheme) value += scheme.size();
    }
    const auto end = end_of_value(text, value, quote);
    if (end == value || (bearer && end - value < kLeastBearer)) continue;
    clean += text.substr(name_end, value - name_end);
    clean += kMask;
    at = end;
    ++taken_;
  }
  return clean;
}

/// Values that show what they are: keys of services, "user:password@" of a URL.
std::string Redactor::shaped_values(std::string_view text) {
  std::string clean;
  std::size_t at = 0;
  while (at < text.size()) {
    if (text.substr(at).starts_with("://")) {
      const auto host_end = std::min(text.find_first_of("/ \t\n\"'", at + 3), text.size());
      const auto user = text.substr(at + 3, host_end - at - 3);
      if (const auto sign = user.rfind('@'); sign != std::string_view::npos) {
        clean += "://";
        clean += kMask;
        at += 3 + sign;
        ++taken_;
        continue;
      }
    }
    const auto end = skip(text, at, in_key);
    if (end == at) {
      clean += text[at++];
      continue;
    }
    const auto word = text.substr(at, end - at);
    const bool shaped = std::any_of(std::begin(kShapes), std::end(kShapes), [&](const Shape& shape) {
      return word.starts_with(shape.prefix) && word.size() >= shape.length;
    });
    if (shaped) ++taken_;
    clean += shaped ? kMask : word;
    at = end;
  }
  return clean;
}

std::string Redactor::text(std::string_view text) { return shaped_values(named_values(text)); }

Json Redactor::json(const Json& document) {
  if (document.is_string()) return text(document.get_ref<const std::string&>());
  if (document.is_array()) {
    Json list = Json::array();
    for (const Json& element : document) list.push_back(json(element));
    return list;
  }
  if (!document.is_object()) return document;
  Json object = Json::object();
  for (const auto& [key, value] : document.items()) {
    const bool secret = names_secret(key) && (value.is_string() || value.is_number());
    if (secret) ++taken_;
    object[key] = secret ? Json(kMask) : json(value);
  }
  return object;
}

std::string Redactor::journal(std::string_view text_of_file) {
  std::string clean;
  while (!text_of_file.empty()) {
    const auto end = std::min(text_of_file.find('\n'), text_of_file.size());
    const auto line = text_of_file.substr(0, end);
    const bool whole = end < text_of_file.size();
    text_of_file.remove_prefix(std::min(end + 1, text_of_file.size()));
    try {
      if (!whole) throw Error({.layer = Layer::report, .reason = Reason::corrupted});
      clean += encode_line(json(decode_line(line)));
    } catch (const Error&) {
      clean += text(line) + (whole ? "\n" : "");
    }
  }
  return clean;
}

}  // namespace symmbench
