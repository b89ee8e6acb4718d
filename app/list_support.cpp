#include "app/list_support.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/text.hpp"
#include "plan/support.hpp"

namespace symmbench {
namespace {

Json allocators_for(TransportKind transport) {
  Json names = Json::array();
  for (const auto& allocator : kAllocators) {
    if (allocator.now && !allocator_problem(allocator.value, transport)) names.push_back(allocator.name);
  }
  return names;
}

Json row_json(const Support& row) {
  const bool reference = is_reference(row.algorithm);
  Json dtypes = Json::array();
  for (const DType dtype : row.dtypes) dtypes.push_back(name_of(dtype));
  return {{"device", row.device == DeviceChoice::host ? "host" : "cuda"},
          {"workspace", reference ? Json(nullptr) : Json(name_of(row.workspace))},
          {"transport", reference ? Json(nullptr) : Json(name_of(row.transport))},
          {"algorithm", name_of(row.algorithm)},
          {"pattern", name_of(row.pattern)},
          {"dtypes", std::move(dtypes)},
          {"ranks", ranks_text(row)},
          {"allocators", reference ? Json(nullptr) : allocators_for(row.transport)},
          {"supported", !row.reason},
          {"reason", json_or_null(row.reason)}};
}

/// Names in the order in which they come, each once.
class Names {
 public:
  void add(const std::string& name) {
    if (std::find(names_.begin(), names_.end(), name) == names_.end()) names_.push_back(name);
  }
  void add(const Json& names) {
    for (const auto& name : names) add(name.get<std::string>());
  }
  std::size_t size() const { return names_.size(); }
  std::string text() const { return fmt::format("{}", fmt::join(names_, ", ")); }

 private:
  std::vector<std::string> names_;
};

/// Rows that read as one line: of the same place, with all their names.
struct Line {
  std::string place;
  Names algorithms, dtypes, allocators;
  std::vector<std::pair<std::string, Names>> ranks;  ///< and the patterns that run on so many
};

std::string place_of(const Json& row) {
  auto device = row.at("device").get<std::string>();
  if (row.at("workspace").is_null()) return device;
  return fmt::format("{} {}/{}", device, row.at("workspace").get<std::string>(),
                     row.at("transport").get<std::string>());
}

Line& line_of(std::vector<Line>& lines, const std::string& place) {
  const auto at = std::find_if(lines.begin(), lines.end(), [&](const Line& line) { return line.place == place; });
  return at != lines.end() ? *at : lines.emplace_back(Line{.place = place});
}

/// "2, 4, 8 or 16 ranks, allreduce on any": what most patterns run on, then the others'.
std::string ranks_of(const Line& line) {
  const auto most = std::max_element(line.ranks.begin(), line.ranks.end(),
                                     [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  std::string text = most->first == kAnyNumber ? "any number of ranks" : most->first + " ranks";
  for (const auto& [ranks, patterns] : line.ranks) {
    if (ranks != most->first) text += fmt::format(", {} on {}", patterns.text(), ranks);
  }
  return text;
}

std::string text_of(const Line& line) {
  const auto allocators = line.allocators.text();
  return fmt::format("    runs on {}: {}; {}; {}{}\n", line.place, line.algorithms.text(), line.dtypes.text(),
                     ranks_of(line), allocators.empty() ? "" : "; over " + allocators);
}

/// The names beside `key`, added behind the others where there are none yet.
Names& names_of(std::vector<std::pair<std::string, Names>>& all, const std::string& key) {
  const auto at = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.first == key; });
  return at != all.end() ? at->second : all.emplace_back(key, Names{}).second;
}

}  // namespace

Json support_json(const std::function<bool(const Support&)>& concerns) {
  Json rows = Json::array();
  for (const Support& row : support_table()) {
    if (concerns(row)) rows.push_back(row_json(row));
  }
  return rows;
}

std::string support_text(const Json& support) {
  std::vector<Line> lines;
  std::vector<std::pair<std::string, Names>> reasons;  // and where
  for (const Json& row : support) {
    if (row.at("supported").get<bool>()) {
      Line& line = line_of(lines, place_of(row));
      line.algorithms.add(row.at("algorithm").get<std::string>());
      line.dtypes.add(row.at("dtypes"));
      names_of(line.ranks, row.at("ranks").get<std::string>()).add(row.at("pattern").get<std::string>());
      if (row.at("allocators").is_array()) line.allocators.add(row.at("allocators"));
      continue;
    }
    const auto reason = row.at("reason").get<std::string>();
    names_of(reasons, reason).add(place_of(row));
  }
  std::string text;
  for (const Line& line : lines) text += text_of(line);
  for (const auto& [reason, places] : reasons) text += fmt::format("    not on {}: {}\n", places.text(), reason);
  return text;
}

}  // namespace symmbench
