#include "report/table.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>

#include "catalog/catalog.hpp"
#include "core/counted.hpp"
#include "core/text.hpp"
#include "report/paint.hpp"
#include "report/pick.hpp"
#include "report/reference.hpp"
#include "report/summary.hpp"
#include "report/text.hpp"

namespace symmbench {
namespace {

constexpr std::size_t kTimeWidth = 7;

std::string size_text(const Json& row) {
  const Json bytes = pick_integer(row, "message_bytes");
  return bytes.is_null() ? "-" : short_bytes(bytes.get<std::uint64_t>());
}

std::string shape_text(const Json& row) {
  return fmt::format("{}x{}", pick_integer(row, "tokens").dump(), pick_integer(row, "hidden").dump());
}

std::string time_text(const Json& row) {
  const Json& time = row.at("time_us");
  return time.is_object() ? figure_text(time.at("mean").get<double>(), kTimeWidth) : "-";
}

std::string figure_of(const Json& row, TableFigure figure) {
  const Json value = pick_number(row, row_of(kTableFigures, figure).key);
  return value.is_null() ? "N/A" : figure_text(value.get<double>(), kTimeWidth);
}

bool unchecked(const Json& row) {
  const Json checked = pick_integer(row, "checked_iterations");
  return checked.is_null() || checked == 0;
}

/// Of the row that fared worst; the lines under the case say which one it is. What was not checked is not called right.
std::string status_text(const Json& rows) {
  for (const char* status : {"hung", "failed", "interrupted", "skipped", "not_tested"}) {
    if (std::any_of(rows.begin(), rows.end(), [&](const Json& row) { return row.at("status") == status; })) {
      return status;
    }
  }
  return std::any_of(rows.begin(), rows.end(), unchecked) ? "timed" : "ok";
}

/// Wide enough for every status of what has times in the other columns.
constexpr std::size_t kStatusWidth = std::string_view("failed").size();

bool all_are(const Json& rows, const Json& status) {
  return std::all_of(rows.begin(), rows.end(), [&](const Json& row) { return row.at("status") == status; });
}

std::string table_section(const Json& row) {
  return fmt::format("{}, {}, handle {}", text_or(row, "workspace"), text_or(row, "transport"),
                     text_or(row.at("handle"), "asked", "?"));
}

template <class Text>
std::size_t widest(const std::vector<Json>& rows, Text&& text_of) {
  std::size_t width = 0;
  for (const Json& row : rows) width = std::max(width, text_of(row).size());
  return width;
}

}  // namespace

void TableWriter::on_plan(const RunStarted& started) {
  std::set<int> groups;
  std::set<std::string> variants;
  std::vector<std::string> references;
  for (const Json& planned : started.planned_rows) {
    const auto allocator = text_or(planned, "allocator");
    auto& names = is_reference(planned) ? references : allocators_;
    if (!std::count(names.begin(), names.end(), allocator)) names.push_back(allocator);
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

  make_columns(started.planned_rows);
}

void TableWriter::make_columns(const std::vector<Json>& planned_rows) {
  const auto widest_of = [&](const char* key) {
    return widest(planned_rows, [&](const Json& row) { return text_or(row, key); });
  };
  if (with_group_) columns_.push_back({.title = "group"});
  columns_.push_back({.title = "size", .width = widest(planned_rows, size_text)});
  columns_.push_back({.title = "shape", .width = widest(planned_rows, shape_text)});
  columns_.push_back(
      {.title = "dtype", .width = widest_of("dtype"), .left = true, .gives_way = GivesWay::type_and_place});
  columns_.push_back({.title = "pattern", .width = widest_of("pattern"), .left = true, .gives_way = GivesWay::pattern});
  columns_.push_back(
      {.title = "algorithm", .width = widest_of("algorithm"), .left = true, .gives_way = GivesWay::algorithm});
  if (with_place_) columns_.push_back({.title = "place", .left = true, .gives_way = GivesWay::type_and_place});
  if (with_variant_) {
    columns_.push_back(
        {.title = "variant", .width = widest_of("variant"), .left = true, .gives_way = GivesWay::variant});
  }
  add_allocator_columns();
  add_pair_columns();
  columns_.push_back({.title = "status", .width = kStatusWidth, .left = true});
  fit(columns_, look_.width);
}

void TableWriter::add_allocator_columns() {
  for (const auto& allocator : allocators_) {
    const auto name = short_allocator_name(allocator);
    columns_.push_back({.title = name + " us", .width = kTimeWidth});
    for (const auto figure : look_.figures) {
      columns_.push_back(
          {.title = fmt::format("{} {}", name, row_of(kTableFigures, figure).name), .width = kTimeWidth});
    }
  }
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
  constexpr std::size_t kRatioWidth = 5, kVerdictWidth = std::string_view("inconclusive").size();
  for (const Pair& pair : pairs_) {
    const auto first = short_allocator_name(pair.first);
    const auto ratio = pairs_.size() == 1 ? "ratio" : fmt::format("{}/{}", first, short_allocator_name(pair.other));
    columns_.push_back({.title = ratio, .width = kRatioWidth, .gives_way = GivesWay::pair});
    columns_.push_back({.title = first + " is", .width = kVerdictWidth, .left = true, .gives_way = GivesWay::pair});
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

void TableWriter::on_withdrawn(const Json& entry, const std::string& before) {
  const auto first = short_allocator_name(text_or(entry, "allocator_a"));
  const auto other = short_allocator_name(text_or(entry, "allocator_b"));
  fmt::print(out_, "# {} {} {} {} {}: with the other sizes {}/{} is {}, not {}: {}\n", size_text(entry),
             shape_text(entry), text_or(entry, "dtype", "-"), text_or(entry, "pattern", "-"),
             text_or(entry, "algorithm", "-"), first, other, shown_verdict(text_or(entry, "verdict")), before,
             text_or(entry, "reason", "?"));
}

void TableWriter::on_end() {
  if (cases_not_tested_ == 0) return;
  fmt::print(out_, "# {} not tested\n", counted(cases_not_tested_, "case"));
  write_reasons(rows_not_tested_);
}

std::vector<std::string> TableWriter::cells_of(const DecidedCase& decided) const {
  const Json& row = decided.rows.front();
  std::vector<std::string> cells;
  if (with_group_) cells.push_back(row.at("group").dump());
  cells.push_back(size_text(row));
  cells.push_back(shape_text(row));
  for (const char* key : {"dtype", "pattern", "algorithm"}) cells.push_back(text_or(row, key, "-"));
  if (with_place_) cells.emplace_back(row.at("in_place") == true ? "in" : "out");
  if (with_variant_) {
    const auto variant = variants_.find(decided.case_id);
    cells.push_back(variant == variants_.end() || variant->second.empty() ? "-" : variant->second);
  }
  for (const auto& allocator : allocators_) {
    const auto it = std::find_if(decided.rows.begin(), decided.rows.end(),
                                 [&](const Json& each) { return each.at("allocator") == allocator; });
    const bool here = it != decided.rows.end();
    cells.push_back(here ? time_text(*it) : "-");
    for (const auto figure : look_.figures) cells.push_back(here ? figure_of(*it, figure) : "-");
  }
  for (const Pair& pair : pairs_) {
    const auto& list = decided.comparison;
    const auto it = std::find_if(list.begin(), list.end(), [&](const Json& entry) {
      return entry.at("allocators").at(0) == pair.first && entry.at("allocators").at(1) == pair.other;
    });
    cells.push_back(it == list.end() ? "-" : fmt::format("{:.3f}", it->at("ratio").get<double>()));
    cells.push_back(it == list.end() ? "-" : shown_verdict(text_or(*it, "verdict")));
  }
  cells.push_back(status_text(decided.rows));
  return cells;
}

void TableWriter::write_case(const DecidedCase& decided) {
  const auto cells = cells_of(decided);
  const auto section = table_section(decided.rows.front()) + above_text(columns_, cells);
  if (section != section_) {
    section_ = section;
    std::vector<std::string> titles;
    for (const auto& column : columns_) titles.push_back(column.title);
    fmt::print(out_, "# {}\n{}\n", section_, row_line(columns_, "# ", titles, titles.back()));
  }
  const auto status = painted(cells.back(), cells.back(), look_.colour);
  fmt::print(out_, "{}\n", row_line(columns_, "  ", cells, status));
  write_pairs(decided.comparison);
  write_reasons(decided.rows);
}

/// What the row has no columns for: where the first allocator of the plan has no result, others are held against each
/// other; where lines are short, every pair.
void TableWriter::write_pairs(const Json& comparison) {
  for (const Json& entry : comparison) {
    const Pair pair{entry.at("allocators").at(0).get<std::string>(), entry.at("allocators").at(1).get<std::string>()};
    const bool in_row =
        in_rows(columns_, GivesWay::pair) && std::find(pairs_.begin(), pairs_.end(), pair) != pairs_.end();
    if (in_row && !look_.verbose) continue;
    const auto first = short_allocator_name(pair.first), other = short_allocator_name(pair.other);
    fmt::print(out_, "#   {}/{} {:.3f}: {} is {}", first, other, entry.at("ratio").get<double>(), first,
               shown_verdict(text_or(entry, "verdict")));
    if (look_.verbose) {
      fmt::print(out_, "; {} ({}, {})", text_or(entry, "reason", "?"),
                 counted(integer_or(entry, "placements", 0), "placement"),
                 counted(integer_or(entry, "samples", 0), "sample"));
    }
    fmt::print(out_, "\n");
  }
}

void TableWriter::write_reasons(const Json& rows) {
  for (const Json& row : rows) {
    if (row.at("status") == "ok") continue;
    const auto line =
        fmt::format("#   {} {}: {}\n", row.at("allocator").get<std::string>(), row.at("status").get<std::string>(),
                    without_case(text_or(row, "reason", "no reason"), text_or(row, "case_id")));
    // Once: it is the same for all that were still to come when a run ended.
    if (row.at("status") == "not_tested" && !reported_.insert(line).second) continue;
    fmt::print(out_, "{}", line);
  }
  out_.flush();
}

}  // namespace symmbench
