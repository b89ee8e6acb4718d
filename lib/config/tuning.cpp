#include "config/tuning.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "catalog/algorithms.hpp"
#include "config/option_value.hpp"
#include "config/options.hpp"
#include "core/shown_text.hpp"
#include "core/text.hpp"

namespace symmbench {
namespace {

constexpr std::int64_t kFewestRanks = 2, kMostRanks = 72;
constexpr std::int64_t kMostBytes = std::int64_t{1} << 40;  // as --maxbytes

/// A value of the document and the path to it, which every message begins with.
struct Place {
  const Json& json;
  std::string path;

  [[noreturn]] void fail(std::string_view problem) const { fail_config(fmt::format("{}: {}", path, problem)); }
  [[noreturn]] void fail_value(std::string_view problem) const {
    const auto text = json.is_string() ? json.get<std::string>() : json.dump();
    fail_config(fmt::format("{}: '{}': {}", path, in_short(text), problem));
  }
  Place at(const char* key) const {
    const auto found = json.find(key);
    if (found == json.end()) fail(fmt::format("'{}' is missing", key));
    return {*found, fmt::format("{}{}{}", path, path.ends_with("'") ? ": " : ".", key)};
  }
  Place element(std::size_t i) const { return {json[i], fmt::format("{}[{}]", path, i)}; }
};

void check_keys(const Place& object, std::initializer_list<const char*> allowed) {
  if (!object.json.is_object()) object.fail("must be an object");
  const std::vector<std::string> names(allowed.begin(), allowed.end());
  for (const auto& [key, value] : object.json.items()) {
    if (std::find(names.begin(), names.end(), key) != names.end()) continue;
    const auto nearest = nearest_name(key, names);
    object.fail(fmt::format("unknown key '{}'{}", key,
                            nearest ? fmt::format("; did you mean '{}'?", *nearest)
                                    : fmt::format("; allowed: {}", fmt::join(names, ", "))));
  }
}

void check_list(const Place& list) {
  if (!list.json.is_array() || list.json.empty()) list.fail("must be a list of at least one object");
}

std::string name_in(const Place& place, const std::vector<std::string>& allowed) {
  const bool known = place.json.is_string() &&
                     std::find(allowed.begin(), allowed.end(), place.json.get<std::string>()) != allowed.end();
  if (!known) place.fail_value(fmt::format("not one of {}", fmt::join(allowed, ", ")));
  return place.json.get<std::string>();
}

std::int64_t integer_in(const Place& place, std::int64_t low, std::int64_t high) {
  const bool fits = place.json.is_number_integer() &&
                    !(place.json.is_number_unsigned() && place.json.get<std::uint64_t>() > std::uint64_t{1} << 62) &&
                    place.json.get<std::int64_t>() >= low && place.json.get<std::int64_t>() <= high;
  if (!fits) place.fail_value(fmt::format("must be a whole number from {} to {}", low, high));
  return place.json.get<std::int64_t>();
}

void check_text(const Place& place) {
  if (!place.json.is_string() || place.json.get<std::string>().empty()) place.fail("must be a text");
}

/// "host", or "sm" and two or three digits.
void check_family(const Place& place) {
  check_text(place);
  const auto family = place.json.get<std::string>();
  const bool sm = family.starts_with("sm") && (family.size() == 4 || family.size() == 5) &&
                  family.find_first_not_of("0123456789", 2) == std::string::npos;
  if (family != "host" && !sm) place.fail_value("must be host, or sm and the SM version as in sm90");
}

std::vector<TuningChoice> choices_in(const Place& list) {
  check_list(list);
  std::vector<TuningChoice> choices;
  for (std::size_t i = 0; i < list.json.size(); ++i) {
    const auto step = list.element(i);
    check_keys(step, {"up_to_bytes", "algorithm"});
    TuningChoice choice;
    choice.algorithm = name_in(step.at("algorithm"), tunable_algorithms());
    const auto bound = step.at("up_to_bytes");
    if (!bound.json.is_null()) choice.up_to_bytes = static_cast<std::uint64_t>(integer_in(bound, 1, kMostBytes));
    if (!choices.empty()) {
      const auto& before = choices.back().up_to_bytes;
      if (!before) step.fail("nothing can follow the step before it, whose up_to_bytes is null");
      if (choice.up_to_bytes && *choice.up_to_bytes <= *before) {
        bound.fail_value(fmt::format("must be greater than {}, the bound before it", *before));
      }
    }
    choices.push_back(std::move(choice));
  }
  return choices;
}

TuningEntry entry_in(const Place& place) {
  check_keys(place, {"world_size", "pattern", "dtype", "source", "choices"});
  TuningEntry entry;
  entry.world_size = static_cast<int>(integer_in(place.at("world_size"), kFewestRanks, kMostRanks));
  entry.pattern = name_in(place.at("pattern"), names_now(option("pattern")));
  if (place.json.contains("dtype")) entry.dtype = dtype_from(name_in(place.at("dtype"), names_now(option("datatype"))));
  if (place.json.contains("source")) check_text(place.at("source"));
  entry.choices = choices_in(place.at("choices"));
  return entry;
}

}  // namespace

std::vector<std::string> tunable_algorithms() {
  std::vector<std::string> names;
  for (const AlgorithmRow& row : kAlgorithms) {
    if (row.now && !row.reference) names.emplace_back(row.name);
  }
  return names;
}

bool is_tunable(std::string_view algorithm) {
  const auto known = algorithm_from(algorithm);
  return known && !is_reference(*known);
}

std::optional<std::string_view> TuningTable::algorithm_for(int world_size, std::string_view pattern, DType dtype,
                                                           std::uint64_t message_bytes) const {
  const TuningEntry* found = nullptr;
  for (const auto& entry : entries) {
    if (entry.world_size != world_size || entry.pattern != pattern) continue;
    if (entry.dtype == dtype || (!entry.dtype && found == nullptr)) found = &entry;
  }
  if (found == nullptr) return std::nullopt;
  for (const auto& choice : found->choices) {
    if (!choice.up_to_bytes || message_bytes <= *choice.up_to_bytes) return choice.algorithm;
  }
  return std::nullopt;
}

std::string sm_family(int sm_version) { return fmt::format("sm{}", sm_version); }

std::string tuning_for_family(std::string_view family) {
  for (const auto& shipped : shipped_tunings()) {
    if (shipped.name == family) return std::string(family);
  }
  return std::string(TuningTable::kComputedTuning);
}

std::vector<TuningEntry> tuning_entries(const Json& document, const std::string& what) {
  const Place root{document, what};
  check_keys(root, {"$schema", "description", "family", "emulated", "source", "tables"});
  check_family(root.at("family"));
  if (!root.at("emulated").json.is_boolean()) root.at("emulated").fail("must be true or false");
  check_text(root.at("source"));
  for (const char* key : {"$schema", "description"}) {
    if (document.contains(key) && !document.at(key).is_string()) root.at(key).fail("must be a text");
  }
  const auto tables = root.at("tables");
  check_list(tables);
  std::vector<TuningEntry> entries;
  for (std::size_t i = 0; i < tables.json.size(); ++i) {
    auto entry = entry_in(tables.element(i));
    const auto same = std::find_if(entries.begin(), entries.end(), [&](const TuningEntry& other) {
      return other.world_size == entry.world_size && other.pattern == entry.pattern && other.dtype == entry.dtype;
    });
    if (same != entries.end()) {
      tables.element(i).fail(fmt::format("overlaps tables[{}]: {} ranks, {}, {} are given twice",
                                         same - entries.begin(), entry.world_size, entry.pattern,
                                         entry.dtype ? name_of(*entry.dtype) : std::string_view("every dtype")));
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

TuningTable tuning_from(const Json& value) {
  if (value.is_object()) {
    return {.name = std::string(TuningTable::kFileTuning), .entries = tuning_entries(value, "tuning")};
  }
  TuningTable table{.name = value.get<std::string>()};
  for (const auto& shipped : shipped_tunings()) {
    if (shipped.name == table.name) {
      const auto what = fmt::format("tuning table '{}'", shipped.name);
      table.entries = tuning_entries(parse_json(shipped.text, what), what);
    }
  }
  return table;
}

}  // namespace symmbench
