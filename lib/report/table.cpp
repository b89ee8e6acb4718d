#include "report/table.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>

#include "core/text.hpp"
#include "report/pick.hpp"
#include "report/reference.hpp"
#include "report/text.hpp"
#include "stats/comparison.hpp"

namespace symmbench {
namespace {

std::string size_text(const Json& row) {
  const Json bytes = pick_integer(row, "message_bytes");
  return bytes.is_null() ? "-" : format_bytes(bytes.get<std::uint64_t>());
}

std::string time_text(const Json& row) {
  const Json& time = row.at("time_us");
  return time.is_object() ? fmt::format("{:.2f}", time.at("mean").get<double>()) : "-";
}

/// "N/A" when nothing was checked: zero would claim that all was right.
std::string wrong_text(const Json& rows) {
  std::optional<std::uint64_t> wrong;
  for (const Json& row : rows) {
    const Json checked = pick_integer(row, "checked_iterations");
    if (!checked.is_null() && checked.get<std::uint64_t>() > 0) {
      wrong = wrong.value_or(0) + row.at("wrong_elements").get<std::uint64_t>();
    }
  }
  return wrong ? std::to_string(*wrong) : "N/A";
}

bool all_are(const Json& rows, const Json& status) {
  return std::all_of(rows.begin(), rows.end(), [&](const Json& row) { return row.at("status") == status; });
}

std::string status_text(const Json& rows) {
  if (all_are(rows, rows.front().at("status"))) return rows.front().at("status").get<std::string>();
  std::string text;
  for (const Json& row : rows) {
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", short_allocator_name(row.at("allocator").get<std::string>()),
                    row.at("status").get<std::string>());
  }
  return text;
}

/// Long enough for "ambiguous: 12 placements".
constexpr std::size_t kVerdictWidth = 22;

/// What is not decided is told with what is missing, or with the interval that holds too much.
std::string verdict_text(const Json& entry) {
  auto verdict = text_or(entry, "verdict");
  if (verdict != name_of(PairVerdict::ambiguous)) return verdict;
  const auto placements = static_cast<std::size_t>(integer_or(entry, "placements", 0));
  const auto samples = static_cast<std::size_t>(integer_or(entry, "samples", 0));
  const auto add = [&](std::size_t count, const char* what) {
    verdict += fmt::format(": {} {}{}", count, what, count == 1 ? "" : "s");
  };
  if (placements < kPlacementsToDecide) {
    add(placements, "placement");
  } else if (samples < kSamplesToDecide) {
    add(samples, "sample");
  } else if (entry.at("ci_low").is_number()) {
    verdict += fmt::format(": {:.2f}-{:.2f}", entry.at("ci_low").get<double>(), entry.at("ci_high").get<double>());
  }
  return verdict;
}

std::string table_section(const Json& row) {
  return fmt::format("{}, {}, handle {}", text_or(row, "workspace"), text_or(row, "transport"),
                     text_or(row.at("handle"), "asked", "?"));
}

std::size_t widest(const std::vector<Json>& planned_rows, const char* key, std::string_view title) {
  std::size_t width = title.size();
  for (const Json& row : planned_rows) width = std::max(width, text_or(row, key).size());
  return width;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

void TableWriter::on_plan(const RunStarted& started) {
  std::set<int> groups;
  std::set<std::string> variants;
  std::vector<std::string> references;
  for (const Json& planned : started.planned_rows) {
    const auto allocator = text_or(planned, "allocator");
    auto& names = is_reference(planned) ? references : allocators_;
    if (!contains(names, allocator)) names.push_back(allocator);
    groups.insert(integer_or(planned, "group", 0));
    const Json in_place = pick_flag(planned, "in_place");
    with_place_ = with_place_ || (!in_place.is_null() && in_place.get<bool>());
    variants_[text_or(planned, "case_id")] = text_or(planned, "variant");
    variants.insert(text_or(planned, "variant"));
  }
  allocators_.insert(allocators_.end(), references.begin(), references.end());
  with_group_ = groups.size() > 1;
  with_variant_ = variants.size() > 1;
  pairs_ = pairs_of(started.planned_rows);

  if (with_group_) columns_.push_back({"group", 5});
  columns_.push_back({"size", 10});
  columns_.push_back({"tokens x hidden", 15});
  columns_.push_back({"dtype", 5, true});
  columns_.push_back({"pattern", widest(started.planned_rows, "pattern", "pattern"), true});
  columns_.push_back({"algorithm", widest(started.planned_rows, "algorithm", "algorithm"), true});
  if (with_place_) columns_.push_back({"place", 5, true});
  if (with_variant_) columns_.push_back({"variant", widest(started.planned_rows, "variant", "variant"), true});
  for (const auto& allocator : allocators_) {
    const auto title = short_allocator_name(allocator) + " us";
    columns_.push_back({title, std::max<std::size_t>(title.size(), 10)});
  }
  add_pair_columns();
  columns_.push_back({"wrong", 5});
  columns_.push_back({"status", 0, true});
}

/// Of every case its first allocator with each other one, in the order in which the plan first has them.
std::vector<TableWriter::Pair> TableWriter::pairs_of(const std::vector<Json>& planned_rows) {
  std::map<std::string, std::string> first_of;
  std::vector<Pair> pairs;
  for (const Json& planned : planned_rows) {
    if (is_reference(planned) || !pick_text(planned, "skip").is_null()) continue;
    const auto allocator = text_or(planned, "allocator");
    const auto [it, is_first] = first_of.try_emplace(text_or(planned, "case_id"), allocator);
    const Pair pair{it->second, allocator};
    if (!is_first && std::find(pairs.begin(), pairs.end(), pair) == pairs.end()) pairs.push_back(pair);
  }
  return pairs;
}

void TableWriter::add_pair_columns() {
  for (const Pair& pair : pairs_) {
    const auto first = short_allocator_name(pair.first);
    const auto ratio = pairs_.size() == 1 ? "ratio" : fmt::format("{}/{}", first, short_allocator_name(pair.other));
    const auto verdict = first + " is";
    columns_.push_back({ratio, std::max<std::size_t>(ratio.size(), 6)});
    columns_.push_back({verdict, std::max(verdict.size(), kVerdictWidth), true});
  }
}

void TableWriter::on_case(const DecidedCase& decided) {
  if (!all_are(decided.rows, "not_tested")) {
    write_case(decided);
    return;
  }
  // Lines without a figure would only push what matters off the screen.
  ++cases_not_tested_;
  rows_not_tested_.insert(rows_not_tested_.end(), decided.rows.begin(), decided.rows.end());
}

void TableWriter::on_end() {
  if (cases_not_tested_ == 0) return;
  fmt::print(out_, "# {} case{} not tested\n", cases_not_tested_, cases_not_tested_ == 1 ? "" : "s");
  write_reasons(rows_not_tested_);
}

std::vector<std::string> TableWriter::cells_of(const DecidedCase& decided) const {
  const Json& row = decided.rows.front();
  std::vector<std::string> cells;
  if (with_group_) cells.push_back(row.at("group").dump());
  cells.push_back(size_text(row));
  cells.push_back(fmt::format("{} x {}", row.at("tokens").dump(), row.at("hidden").dump()));
  for (const char* key : {"dtype", "pattern", "algorithm"}) cells.push_back(text_or(row, key, "-"));
  if (with_place_) cells.emplace_back(row.at("in_place") == true ? "in" : "out");
  if (with_variant_) {
    const auto variant = variants_.find(decided.case_id);
    cells.push_back(variant == variants_.end() || variant->second.empty() ? "-" : variant->second);
  }
  for (const auto& allocator : allocators_) {
    const auto it = std::find_if(decided.rows.begin(), decided.rows.end(),
                                 [&](const Json& each) { return each.at("allocator") == allocator; });
    cells.push_back(it == decided.rows.end() ? "-" : time_text(*it));
  }
  for (const Pair& pair : pairs_) {
    const auto& list = decided.comparison;
    const auto it = std::find_if(list.begin(), list.end(), [&](const Json& entry) {
      return entry.at("allocators").at(0) == pair.first && entry.at("allocators").at(1) == pair.other;
    });
    cells.push_back(it == list.end() ? "-" : fmt::format("{:.3f}", it->at("ratio").get<double>()));
    cells.push_back(it == list.end() ? "-" : verdict_text(*it));
  }
  cells.push_back(wrong_text(decided.rows));
  cells.push_back(status_text(decided.rows));
  return cells;
}

void TableWriter::write_case(const DecidedCase& decided) {
  const auto section = table_section(decided.rows.front());
  if (section != section_) {
    section_ = section;
    fmt::print(out_, "# {}\n", section_);
    std::vector<std::string> titles;
    for (const auto& column : columns_) titles.push_back(column.title);
    write_cells("# ", titles);
  }
  write_cells("  ", cells_of(decided));
  write_other_pairs(decided.comparison);
  write_reasons(decided.rows);
}

/// Where the first allocator of the plan has no result, others are held against each other.
void TableWriter::write_other_pairs(const Json& comparison) {
  for (const Json& entry : comparison) {
    const Pair pair{entry.at("allocators").at(0).get<std::string>(), entry.at("allocators").at(1).get<std::string>()};
    if (std::find(pairs_.begin(), pairs_.end(), pair) != pairs_.end()) continue;
    const auto first = short_allocator_name(pair.first), other = short_allocator_name(pair.other);
    fmt::print(out_, "#   {}/{} {:.3f}: {} is {}\n", first, other, entry.at("ratio").get<double>(), first,
               entry.at("verdict").get<std::string>());
  }
}

void TableWriter::write_reasons(const Json& rows) {
  for (const Json& row : rows) {
    if (row.at("status") == "ok") continue;
    const auto line = fmt::format("#   {} {}: {}\n", row.at("allocator").get<std::string>(),
                                  row.at("status").get<std::string>(), text_or(row, "reason", "no reason"));
    // Once: it is the same for all that were still to come when a run ended.
    if (row.at("status") == "not_tested" && !reported_.insert(line).second) continue;
    fmt::print(out_, "{}", line);
  }
  out_.flush();
}

void TableWriter::write_cells(std::string_view lead, const std::vector<std::string>& cells) {
  std::string line(lead);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const auto& column = columns_[i];
    if (i > 0) line += "  ";
    line += column.left ? fmt::format("{:<{}}", cells[i], column.width) : fmt::format("{:>{}}", cells[i], column.width);
  }
  fmt::print(out_, "{}\n", line);
}

}  // namespace symmbench
