#include "config/tuning.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "catalog/algorithms.hpp"
#include "config/document_place.hpp"
#include "config/options.hpp"

namespace symmbench {
namespace {

constexpr std::int64_t kFewestRanks = 2, kMostRanks = 72;
constexpr std::int64_t kMostBytes = std::int64_t{1} << 40;  // as --maxbytes

using Place = DocumentPlace;

/// "host", or "sm" and two or three digits.
void check_family(const Place& place) {
  const auto family = place.text();
  const bool sm = family.starts_with("sm") && (family.size() == 4 || family.size() == 5) &&
                  family.find_first_not_of("0123456789", 2) == std::string::npos;
  if (family != "host" && !sm) place.fail_value("must be host, or sm and the SM version as in sm90");
}

std::vector<TuningChoice> choices_in(const Place& list) {
  list.require_list();
  std::vector<TuningChoice> choices;
  for (std::size_t i = 0; i < list.json.size(); ++i) {
    const auto step = list.element(i);
    step.require_keys({"up_to_bytes", "algorithm"});
    TuningChoice choice;
    choice.algorithm = step.at("algorithm").name_of(tunable_algorithms());
    const auto bound = step.at("up_to_bytes");
    if (!bound.json.is_null()) choice.up_to_bytes = static_cast<std::uint64_t>(bound.integer_of(1, kMostBytes));
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
  place.require_keys({"world_size", "pattern", "dtype", "source", "choices"});
  TuningEntry entry;
  entry.world_size = static_cast<int>(place.at("world_size").integer_of(kFewestRanks, kMostRanks));
  entry.pattern = place.at("pattern").name_of(names_now(option("pattern")));
  if (place.json.contains("dtype")) entry.dtype = dtype_from(place.at("dtype").name_of(names_now(option("datatype"))));
  if (place.json.contains("source")) (void)place.at("source").text();
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
  root.require_keys({"$schema", "description", "family", "emulated", "source", "tables"});
  check_family(root.at("family"));
  (void)root.at("emulated").flag();
  (void)root.at("source").text();
  for (const char* key : {"$schema", "description"}) {
    if (document.contains(key) && !document.at(key).is_string()) root.at(key).fail("must be a text");
  }
  const auto tables = root.at("tables");
  tables.require_list();
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
