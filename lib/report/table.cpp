#include "report/table.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>

#include "config/run_config.hpp"
#include "core/text.hpp"
#include "report/comparisons.hpp"
#include "report/pick.hpp"
#include "report/rows.hpp"
#include "report/text.hpp"

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
std::string wrong_text(const std::vector<const Json*>& rows) {
  std::optional<std::uint64_t> wrong;
  for (const Json* row : rows) {
    const Json checked = pick_integer(*row, "checked_iterations");
    if (!checked.is_null() && checked.get<std::uint64_t>() > 0) {
      wrong = wrong.value_or(0) + row->at("wrong_elements").get<std::uint64_t>();
    }
  }
  return wrong ? std::to_string(*wrong) : "N/A";
}

std::string status_text(const std::vector<const Json*>& rows) {
  const auto first = rows.front()->at("status").get<std::string>();
  if (std::all_of(rows.begin(), rows.end(), [&](const Json* row) { return row->at("status") == first; })) return first;
  std::string text;
  for (const Json* row : rows) {
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", short_allocator_name(row->at("allocator").get<std::string>()),
                    row->at("status").get<std::string>());
  }
  return text;
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

/// Whether all that can be compared is the same two allocators; a library's rows have nothing beside them.
bool one_pair(const std::vector<Json>& planned_rows) {
  std::set<std::string> compared;
  for (const Json& row : planned_rows) {
    if (const auto allocator = text_or(row, "allocator"); allocator != kNccl) compared.insert(allocator);
  }
  return compared.size() == 2;
}

}  // namespace

void TableWriter::append(const Json& record) {
  const auto type = type_of(record);
  if (type == "run_started" && columns_.empty()) start(run_started_from(record));
  if (type == "row") heard_row(row_from(record));
  if (type == "failure") heard_failure(failure_record_from(record));
  if (type == "event") heard_skip(event_from(record));
}

void TableWriter::start(const RunStarted& started) {
  device_ = started.device;
  std::set<int> groups;
  std::set<std::string> variants;
  for (const Json& planned : started.planned_rows) {
    const auto case_id = text_or(planned, "case_id");
    const auto allocator = text_or(planned, "allocator");
    if (!cases_.contains(case_id)) case_order_.push_back(case_id);
    CaseState& state = cases_[case_id];
    state.planned.push_back(planned);
    if (pick_text(planned, "skip").is_null()) state.waiting.insert(allocator);
    if (std::find(allocators_.begin(), allocators_.end(), allocator) == allocators_.end())
      allocators_.push_back(allocator);
    groups.insert(integer_or(planned, "group", 0));
    const Json in_place = pick_flag(planned, "in_place");
    with_place_ = with_place_ || (!in_place.is_null() && in_place.get<bool>());
    variants.insert(text_or(planned, "variant"));
  }
  with_group_ = groups.size() > 1;
  with_variant_ = variants.size() > 1;
  std::stable_partition(allocators_.begin(), allocators_.end(), [](const auto& name) { return name != kNccl; });

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
  with_ratio_ = one_pair(started.planned_rows);
  if (with_ratio_) {
    const auto title = short_allocator_name(allocators_.front()) + " is";
    columns_.push_back({"ratio", 6});
    columns_.push_back({title, std::max<std::size_t>(title.size(), 9), true});
  }
  columns_.push_back({"wrong", 5});
  columns_.push_back({"status", 0, true});
}

void TableWriter::heard_row(const RowRecord& row) {
  rows_.push_back(row);
  // After a failure of the pair only runs by itself decide.
  const bool pair_failed = std::any_of(failures_.begin(), failures_.end(), [&](const FailureRecord& failure) {
    return failure.case_id == row.case_id && !by_itself(failure);
  });
  if (!pair_failed || row.alone) settle(row.case_id, row.allocator);
}

void TableWriter::heard_failure(const FailureRecord& failure) {
  failures_.push_back(failure);
  if (!failure.case_id || !cases_.contains(*failure.case_id)) return;
  CaseState& state = cases_[*failure.case_id];
  for (const auto& allocator : failure.allocators) {
    if (by_itself(failure)) {
      settle(*failure.case_id, allocator);
    } else {
      state.waiting.insert(allocator);  // it will be run again, alone
    }
  }
}

void TableWriter::heard_skip(const EventRecord& event) {
  events_.push_back(event);
  if (event.what != "group_skipped" || !event.data.is_object()) return;
  const Json case_ids = member(event.data, "case_ids");
  const Json allocators = member(event.data, "allocators");
  if (!case_ids.is_array() || !allocators.is_array()) return;
  for (const Json& case_id : case_ids) {
    for (const Json& allocator : allocators) {
      if (case_id.is_string() && allocator.is_string())
        settle(case_id.get<std::string>(), allocator.get<std::string>());
    }
  }
}

void TableWriter::settle(const std::string& case_id, const std::string& allocator) {
  const auto it = cases_.find(case_id);
  if (it == cases_.end()) return;
  it->second.waiting.erase(allocator);
  if (it->second.waiting.empty() && !written_.contains(case_id)) write_decided(case_id);
}

void TableWriter::write_decided(const std::string& case_id) {
  RecordSet set;
  set.started.device = device_;
  set.started.planned_rows = cases_[case_id].planned;
  std::copy_if(rows_.begin(), rows_.end(), std::back_inserter(set.rows),
               [&](const auto& row) { return row.case_id == case_id; });
  set.failures = failures_;
  set.events = events_;
  const Outcomes outcomes(set);
  const Json results = fold_rows(set, outcomes);
  std::vector<const Json*> rows;
  for (const Json& row : results) rows.push_back(&row);
  const Json comparison = fold_comparison(set, outcomes, results);
  write_case(rows, comparison.empty() ? Json(nullptr) : comparison.front());
}

void TableWriter::finish(const Json& report) {
  std::size_t not_tested = 0;
  std::vector<const Json*> their_rows;
  for (const auto& case_id : case_order_) {
    if (written_.contains(case_id)) continue;
    std::vector<const Json*> rows;
    for (const Json& row : report.at("results")) {
      if (row.at("case_id") == case_id) rows.push_back(&row);
    }
    Json comparison = nullptr;
    for (const Json& entry : report.at("comparison")) {
      if (entry.at("case_id") == case_id && comparison.is_null()) comparison = entry;
    }
    const bool none_tested =
        std::all_of(rows.begin(), rows.end(), [](const Json* row) { return row->at("status") == "not_tested"; });
    if (!none_tested) {
      write_case(rows, comparison);
    } else if (!rows.empty()) {
      // Lines without a figure would only push what matters off the screen.
      written_.insert(case_id);
      ++not_tested;
      their_rows.insert(their_rows.end(), rows.begin(), rows.end());
    }
  }
  if (not_tested == 0) return;
  fmt::print(out_, "# {} case{} not tested\n", not_tested, not_tested == 1 ? "" : "s");
  write_reasons(their_rows);
}

void TableWriter::write_case(const std::vector<const Json*>& rows, const Json& comparison) {
  const Json& row = *rows.front();
  written_.insert(row.at("case_id").get<std::string>());
  if (table_section(row) != section_) {
    section_ = table_section(row);
    fmt::print(out_, "# {}\n", section_);
    std::vector<std::string> titles;
    for (const auto& column : columns_) titles.push_back(column.title);
    write_cells("# ", titles);
  }

  std::vector<std::string> cells;
  if (with_group_) cells.push_back(row.at("group").dump());
  cells.push_back(size_text(row));
  cells.push_back(fmt::format("{} x {}", row.at("tokens").dump(), row.at("hidden").dump()));
  for (const char* key : {"dtype", "pattern", "algorithm"}) cells.push_back(text_or(row, key, "-"));
  if (with_place_) cells.emplace_back(row.at("in_place") == true ? "in" : "out");
  if (with_variant_) {
    const auto& planned = cases_[row.at("case_id").get<std::string>()].planned;
    const auto variant = planned.empty() ? "" : text_or(planned.front(), "variant");
    cells.push_back(variant.empty() ? "-" : variant);
  }
  for (const auto& allocator : allocators_) {
    const auto it =
        std::find_if(rows.begin(), rows.end(), [&](const Json* r) { return r->at("allocator") == allocator; });
    cells.push_back(it == rows.end() ? "-" : time_text(**it));
  }
  if (with_ratio_) {
    cells.push_back(comparison.is_null() ? "-" : fmt::format("{:.3f}", comparison.at("ratio").get<double>()));
    cells.push_back(comparison.is_null() ? "-" : comparison.at("verdict").get<std::string>());
  }
  cells.push_back(wrong_text(rows));
  cells.push_back(status_text(rows));
  write_cells("  ", cells);
  write_reasons(rows);
}

void TableWriter::write_reasons(const std::vector<const Json*>& rows) {
  for (const Json* each : rows) {
    if (each->at("status") == "ok") continue;
    const auto line = fmt::format("#   {} {}: {}\n", each->at("allocator").get<std::string>(),
                                  each->at("status").get<std::string>(), text_or(*each, "reason", "no reason"));
    // Once: it is the same for all that were still to come when a run ended.
    if (each->at("status") == "not_tested" && !told_.insert(line).second) continue;
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
