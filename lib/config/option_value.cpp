#include "config/option_value.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>

#include "config/config_file.hpp"
#include "config/fabric_profile.hpp"
#include "config/tuning.hpp"
#include "core/shown_text.hpp"
#include "core/text.hpp"

namespace symmbench {
namespace {

constexpr std::string_view kNotNow = "not in this version";

template <class Number>
std::optional<Number> parse_whole(std::string_view text, Number) {
  Number value{};
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || result.ec != std::errc{} || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view type_phrase(OptionKind kind) {
  switch (kind) {
    case OptionKind::names:
      return "must be a name or a list of names";
    case OptionKind::name:
      return "must be a name";
    case OptionKind::switches:
      return "must be true or false, on or off, 1 or 0, or a list of them";
    case OptionKind::on_off:
    case OptionKind::flag:
      return "must be true or false, on or off, 1 or 0";
    case OptionKind::counts:
      return "must be a whole number or a list of them";
    case OptionKind::integer:
      return "must be a whole number";
    case OptionKind::number:
      return "must be a number";
    case OptionKind::percent:
      return "must be a percentage such as 5 or \"5%\"";
    case OptionKind::bytes:
      return "must be a size such as 4096 or \"64K\"";
    case OptionKind::seconds:
      return "must be a duration such as 20, \"1.5s\" or \"10m\"";
    case OptionKind::table:
      return "must be a name, a file or a table";
    case OptionKind::output:
      return "must be a file name, true or false";
    case OptionKind::path:
    case OptionKind::text:
      return "must be a text";
  }
  return "";
}

std::string limit_text(OptionKind kind, double limit) {
  if (kind == OptionKind::bytes) return format_bytes(static_cast<std::uint64_t>(limit));
  return fmt::format("{}{}", limit, kind == OptionKind::seconds ? " s" : "");
}

void check_bounds(const OptionSpec& spec, double value, std::string_view found, const Origin& origin) {
  const auto& [low, high, low_open, high_open] = spec.bounds;
  if (value < low || (low_open && value == low)) {
    origin.fail(found,
                fmt::format("must be {} {}", low_open ? "greater than" : "at least", limit_text(spec.kind, low)));
  }
  if (value > high || (high_open && value == high)) {
    origin.fail(found, fmt::format("must be {} {}", high_open ? "less than" : "at most", limit_text(spec.kind, high)));
  }
}

Json checked_name(const OptionSpec& spec, std::string_view found, const Origin& origin) {
  if (found.empty()) origin.fail(found, "must name at least one value");
  const auto now = names_now(spec);
  for (const auto& choice : spec.choices) {
    if (choice.name != found && (choice.also.empty() || choice.also != found)) continue;
    if (choice.now || !spec.now) return Json(std::string(choice.name));
    origin.fail(found, fmt::format("{}; allowed: {}", kNotNow, fmt::join(now, ", ")));
  }
  std::vector<std::string> known = now;
  for (auto& name : names_later(spec)) known.push_back(std::move(name));
  std::string word(found);
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto nearest = nearest_name(word, known);
  origin.fail(found, fmt::format("not one of {}{}", fmt::join(now.empty() ? known : now, ", "),
                                 nearest ? fmt::format(" (did you mean {}?)", *nearest) : ""));
}

Json checked_integer(const OptionSpec& spec, std::string_view text, const Origin& origin) {
  const auto value = parse_whole(text, std::int64_t{});
  if (!value) {
    // Distinguish "too many digits" from "no number".
    const auto digits = text.starts_with('-') ? text.substr(1) : text;
    if (!digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos) {
      check_bounds(spec, text.starts_with('-') ? -1e300 : 1e300, text, origin);
    }
    origin.fail(text, "not a whole number");
  }
  check_bounds(spec, static_cast<double>(*value), text, origin);
  return Json(static_cast<std::uint64_t>(*value));
}

std::optional<double> parse_number(std::string_view text) {
  const auto value = parse_whole(text, double{});
  return value && std::isfinite(*value) ? value : std::nullopt;
}

Json checked_number(const OptionSpec& spec, std::string_view text, const Origin& origin) {
  const auto value = parse_number(text);
  if (!value) origin.fail(text, "not a finite number");
  check_bounds(spec, *value, text, origin);
  return Json(*value);
}

Json checked_percent(const OptionSpec& spec, std::string_view text, const Origin& origin) {
  const auto value = parse_number(text.substr(0, text.size() - (text.ends_with('%') ? 1 : 0)));
  if (!value) origin.fail(text, "not a finite number");
  check_bounds(spec, *value, text, origin);
  return Json(*value);
}

Json checked_bytes(const OptionSpec& spec, std::string_view text, const Origin& origin) {
  const auto value = parse_bytes(text);
  if (!value) {
    if (text.starts_with('-') && parse_bytes(text.substr(1))) check_bounds(spec, -1, text, origin);
    origin.fail(text, "not a size such as 4096, 64K or 1.5M");
  }
  check_bounds(spec, static_cast<double>(*value), text, origin);
  return Json(*value);
}

Json checked_seconds(const OptionSpec& spec, std::string_view text, const Origin& origin) {
  constexpr std::pair<std::string_view, double> kUnits[] = {{"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}, {"", 1}};
  for (const auto& [suffix, unit] : kUnits) {
    if (!text.ends_with(suffix)) continue;
    const auto value = parse_number(text.substr(0, text.size() - suffix.size()));
    if (!value) break;
    check_bounds(spec, *value * unit, text, origin);
    return Json(*value * unit);
  }
  origin.fail(text, "not a duration such as 20, 1.5s, 500ms, 10m or 2h");
}

/// nccl-tests says how often it checks: any count but 0 is on.
bool is_count(std::string_view text) {
  const auto value = parse_whole(text, std::int64_t{});
  return value && *value > 1;
}

Json checked_switch(const OptionSpec& spec, std::string_view text, const Origin& origin) {
  if (text == "on" || text == "1" || text == "true") return Json(true);
  if (text == "off" || text == "0" || text == "false") return Json(false);
  if (spec.kind == OptionKind::on_off && spec.takes_count && is_count(text)) return Json(true);
  origin.fail(text, "not one of on, off, 1, 0");
}

bool is_fabric(const OptionSpec& spec) { return spec.name == "fabric"; }

/// What an option of kind `table` takes besides a file.
std::vector<std::string_view> shipped_names(const OptionSpec& spec) {
  std::vector<std::string_view> names;
  if (is_fabric(spec)) {
    for (const auto& shipped : shipped_fabrics()) names.push_back(shipped.name);
    return names;
  }
  names = {TuningTable::kAutoTuning, TuningTable::kComputedTuning};
  for (const auto& shipped : shipped_tunings()) names.push_back(shipped.name);
  return names;
}

/// @throws Error{config, invalid_argument}; `what` begins the message
void check_document(const OptionSpec& spec, const Json& document, const std::string& what) {
  if (is_fabric(spec)) {
    (void)FabricDocument(document, what);
  } else {
    (void)tuning_entries(document, what);
  }
}

/// A name as it is; a file's table as an object, so that ranks and workers need not read it again.
Json checked_table(const OptionSpec& spec, std::string_view text, const Origin& origin) {
  if (text.empty()) origin.fail(text, "must not be empty");
  const auto names = shipped_names(spec);
  if (std::find(names.begin(), names.end(), text) != names.end()) return Json(std::string(text));
  const std::string path(text);
  if (!is_no_folder(path)) {
    origin.fail(text, fmt::format("not a file, and not one of {}", fmt::join(names, ", ")));
  }
  Document table = read_config_file(path, is_fabric(spec) ? "fabric profile" : "tuning file");
  check_document(spec, table.value, origin.subject(text));
  return std::move(table.value);
}

/// One value, or one element of a list.
Json element_from_text(const OptionSpec& spec, std::string_view text, const Origin& origin) {
  switch (spec.kind) {
    case OptionKind::names:
    case OptionKind::name:
      return checked_name(spec, text, origin);
    case OptionKind::switches:
    case OptionKind::on_off:
    case OptionKind::flag:
      return checked_switch(spec, text, origin);
    case OptionKind::counts:
    case OptionKind::integer:
      return checked_integer(spec, text, origin);
    case OptionKind::number:
      return checked_number(spec, text, origin);
    case OptionKind::percent:
      return checked_percent(spec, text, origin);
    case OptionKind::bytes:
      return checked_bytes(spec, text, origin);
    case OptionKind::seconds:
      return checked_seconds(spec, text, origin);
    case OptionKind::table:
      return checked_table(spec, text, origin);
    case OptionKind::output:
      if (text == "on" || text == "off") return Json(text == "on");
      [[fallthrough]];
    case OptionKind::path:
    case OptionKind::text:
      if (text.empty()) origin.fail(text, "must not be empty");
      return Json(std::string(text));
  }
  return Json();
}

bool is_list(OptionKind kind) {
  return kind == OptionKind::names || kind == OptionKind::counts || kind == OptionKind::switches;
}

bool has_type_of(OptionKind kind, const Json& json) {
  switch (kind) {
    case OptionKind::names:
    case OptionKind::name:
    case OptionKind::path:
    case OptionKind::text:
      return json.is_string();
    case OptionKind::switches:
    case OptionKind::on_off:
    case OptionKind::flag:
      return json.is_boolean() || json.is_string() || json.is_number_integer();
    case OptionKind::counts:
    case OptionKind::integer:
      return json.is_number_integer();
    case OptionKind::number:
      return json.is_number();
    case OptionKind::bytes:
      return json.is_number_integer() || json.is_string();
    case OptionKind::percent:
    case OptionKind::seconds:
      return json.is_number() || json.is_string();
    case OptionKind::table:
      return json.is_object() || json.is_string();
    case OptionKind::output:
      return json.is_boolean() || json.is_string();
  }
  return false;
}

std::string found_text(const Json& json) { return json.is_string() ? json.get<std::string>() : json.dump(); }

Json element_from_json(const OptionSpec& spec, const Json& json, const Origin& origin) {
  if (!has_type_of(spec.kind, json)) origin.fail(json.dump(), type_phrase(spec.kind));
  if (json.is_object()) {
    check_document(spec, json, origin.name());
    return json;
  }
  if (spec.kind == OptionKind::output && json.is_boolean()) return json;
  return element_from_text(spec, found_text(json), origin);
}

void check_list(const OptionSpec& spec, const Json& list, const Origin& origin) {
  if (list.size() > kMostListed) origin.fail(list.dump(), fmt::format("must list at most {} values", kMostListed));
  for (std::size_t i = 0; i < list.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (list[i] != list[j]) continue;
      const auto twice = spec.kind == OptionKind::switches ? (list[i].get<bool>() ? "on" : "off") : found_text(list[i]);
      origin.fail(twice, "must not be listed twice");
    }
  }
}

void check_now(const OptionSpec& spec, std::string_view written, const Origin& origin) {
  if (spec.now) return;
  if (spec.kind == OptionKind::flag) origin.fail(kNotNow);
  origin.fail(written, kNotNow);
}

}  // namespace

void fail_config(std::string detail) {
  throw Error({.layer = Layer::config, .reason = Reason::invalid_argument, .detail = std::move(detail)});
}

std::string Origin::subject(std::string_view value) const {
  return fmt::format("{}{} '{}'{}", name_, dashed_ ? "" : ":", in_short(value), note_);
}

void Origin::fail(std::string_view value, std::string_view problem) const {
  const char* join = dashed_ ? ": " : problem.starts_with("not") ? " is " : " ";
  fail_config(fmt::format("{}{}{}", subject(value), join, problem));
}

void Origin::fail(std::string_view problem) const { fail_config(fmt::format("{}: {}", name_, problem)); }

Json value_from_text(const OptionSpec& spec, std::string_view text, const Origin& origin) {
  Json value;
  if (is_list(spec.kind)) {
    if (text.empty()) origin.fail(text, "must list at least one value");
    value = Json::array();
    for (const auto& part : split_list(text)) {
      if (part.empty()) origin.fail(text, "must not have an empty element");
      value.push_back(element_from_text(spec, part, origin));
    }
    check_list(spec, value, origin);
  } else {
    value = element_from_text(spec, text, origin);
  }
  check_now(spec, text, origin);
  return value;
}

Json value_from_json(const OptionSpec& spec, const Json& json, const Origin& origin) {
  Json value;
  if (is_list(spec.kind)) {
    if (json.is_array() && json.empty()) origin.fail("[]", "must list at least one value");
    value = Json::array();
    for (const auto& part : json.is_array() ? json : Json::array({json})) {
      value.push_back(element_from_json(spec, part, origin));
    }
    check_list(spec, value, origin);
  } else {
    value = element_from_json(spec, json, origin);
  }
  check_now(spec, found_text(json), origin);
  return value;
}

std::string text_from_value(const OptionSpec& spec, const Json& value) {
  const auto one = [&](const Json& element) -> std::string {
    if (element.is_boolean()) return element.get<bool>() ? "on" : "off";
    if (element.is_string()) return element.get<std::string>();
    if (element.is_number_float()) return fmt::format("{}", element.get<double>());  // as it is typed: 2, not 2.0
    return element.dump();
  };
  if (!is_list(spec.kind)) return one(value);
  std::vector<std::string> parts;
  for (const auto& element : value) parts.push_back(one(element));
  return fmt::format("{}", fmt::join(parts, ","));
}

}  // namespace symmbench
