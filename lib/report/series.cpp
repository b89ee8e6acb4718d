#include "report/series.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "catalog/pattern_parameters.hpp"
#include "report/pick.hpp"
#include "report/reference.hpp"

namespace symmbench {
namespace {

/// In every name.
constexpr std::array kNameKeys{"allocator", "pattern", "dtype", "algorithm_asked"};
/// In those that differ in it.
const std::vector<std::pair<std::string, std::string>>& other_keys() {
  static const auto all = [] {
    std::vector<std::pair<std::string, std::string>> keys{{"workspace", ""}, {"transport", ""}, {"group", "group "}};
    PatternParameters::visit(
        [&](std::string_view name, std::string_view, auto) { keys.emplace_back(name, fmt::format("{} ", name)); });
    keys.emplace_back("variant", "");
    return keys;
  }();
  return all;
}

/// As the plan names it, "handle_asked", or a row of results[].
std::string handle_asked(const Json& row) {
  return text_or(row, "handle_asked", text_or(member(row, "handle"), "asked"));
}

/// What was asked for: `auto` is one series, whatever it takes at each size.
std::string algorithm_asked(const Json& row) { return text_or(row, "algorithm_asked", text_or(row, "algorithm")); }

std::string text_of(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

}  // namespace

Json series_key(const Json& row) {
  Json key{{"handle", handle_asked(row)}};
  for (const char* name : kNameKeys) key[name] = text_or(row, name);
  key["algorithm_asked"] = algorithm_asked(row);
  for (const auto& [name, title] : other_keys()) key[name] = member(row, name);
  key["variant"] = text_or(row, "variant");
  return key;
}

std::vector<Series> series_of(const std::vector<Json>& rows) {
  std::vector<Series> all;
  std::vector<Json> keys;
  for (const Json& row : rows) {
    Json key = series_key(row);
    const auto at = std::find(keys.begin(), keys.end(), key);
    const auto index = static_cast<std::size_t>(at - keys.begin());
    if (at == keys.end()) {
      keys.push_back(std::move(key));
      all.push_back({.first = row});
    }
    all[index].rows.push_back(row);
  }
  return all;
}

std::string series_name(const Series& series, const std::vector<Series>& all) {
  const Json key = series_key(series.first);
  const auto differs = [&](const std::string& name) {
    return std::any_of(all.begin(), all.end(),
                       [&](const Series& other) { return series_key(other.first).at(name) != key.at(name); });
  };
  std::string name;
  for (const char* part : kNameKeys) name += fmt::format("{}{}", name.empty() ? "" : "/", text_of(key.at(part)));
  if (differs("handle")) name += "/handle " + text_of(key.at("handle"));
  for (const auto& [part, title] : other_keys()) {
    if (differs(part) && key.at(part) != "" && !key.at(part).is_null())
      name += fmt::format("/{}{}", title, text_of(key.at(part)));
  }
  return name;
}

std::optional<double> average_busbw(const std::vector<Json>& rows) {
  double sum = 0;
  std::size_t count = 0;
  for (const Json& row : rows) {
    const Json busbw = pick_number(row, "busbw_gbs");
    if (row.at("status") != "ok" || busbw.is_null()) continue;
    sum += busbw.get<double>();
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / static_cast<double>(count);
}

std::vector<std::string> short_of_busbw(const Json& report) {
  const Json asked = pick_number(member(report.at("run"), "config"), "min_busbw");
  if (asked.is_null() || asked.get<double>() <= 0) return {};
  const auto all = series_of(report.at("results").get<std::vector<Json>>());
  std::vector<std::string> lines;
  for (const Series& series : all) {
    const bool ran =
        std::any_of(series.rows.begin(), series.rows.end(), [](const Json& row) { return row.at("status") == "ok"; });
    if (is_reference(series.first) || !ran) continue;
    const auto average = average_busbw(series.rows);
    if (average && *average >= asked.get<double>()) continue;
    lines.push_back(fmt::format("bus bandwidth: {}: {} on average, {} GB/s are asked for (--min-busbw)",
                                series_name(series, all),
                                average ? fmt::format("{:.4g} GB/s", *average) : "not measured", asked.get<double>()));
  }
  return lines;
}

}  // namespace symmbench
