#include "report/nccl_table.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "core/counted.hpp"
#include "core/text.hpp"
#include "report/pick.hpp"
#include "report/reference.hpp"
#include "report/text.hpp"

namespace symmbench {
namespace {

constexpr std::size_t kNcclTimeWidth = 7, kBandwidthWidth = 6;

Json shape_of(const Json& row) {
  return Json::array({member(row, "tokens"), member(row, "hidden"), member(row, "message_bytes")});
}

bool is_in_place(const Json& row) { return pick_flag(row, "in_place") == true; }

bool passed(const Json& row) { return row.is_object() && row.at("status") == "ok" && row.at("time_us").is_object(); }

bool is_wrong(const Json& row) {
  const Json wrong = row.is_object() ? pick_integer(row, "wrong_elements") : Json(nullptr);
  return !wrong.is_null() && wrong != 0;
}

/// nccl-tests' names; what it has no name for keeps ours.
std::string type_name(const Json& row) {
  auto dtype = text_or(row, "dtype", "?");
  if (dtype == "fp16") return "half";
  if (dtype == "bf16") return "bfloat16";
  if (dtype == "fp32") return "float";
  return dtype;
}

std::uint64_t element_count(const Json& row) {
  const Json tokens = pick_integer(row, "tokens"), hidden = pick_integer(row, "hidden");
  return tokens.is_null() || hidden.is_null() ? 0 : tokens.get<std::uint64_t>() * hidden.get<std::uint64_t>();
}

std::string figure_or_none(const Json& value, std::size_t width) {
  return value.is_null() ? "N/A" : figure_text(value.get<double>(), width);
}

std::string half_text(const Json& row) {
  Json time = nullptr, algbw = nullptr, busbw = nullptr;
  std::string wrong = "N/A";
  if (passed(row)) {
    time = row.at("time_us").at("mean");
    algbw = pick_number(row, "algbw_gbs");
    busbw = pick_number(row, "busbw_gbs");
    const Json checked = pick_integer(row, "checked_iterations");
    if (!checked.is_null() && checked != 0) wrong = row.at("wrong_elements").dump();
  } else if (is_wrong(row)) {
    wrong = row.at("wrong_elements").dump();
  }
  return fmt::format("  {:>7}  {:>6}  {:>6}  {:>6}", figure_or_none(time, kNcclTimeWidth),
                     figure_or_none(algbw, kBandwidthWidth), figure_or_none(busbw, kBandwidthWidth), wrong);
}

void write_titles(std::ostream& out, const std::array<const char*, 13>& titles) {
  constexpr std::array<std::size_t, 13> kWidths{10, 12, 8, 6, 6, 7, 6, 6, 6, 7, 6, 6, 6};
  std::string line = "#";
  for (std::size_t i = 0; i < titles.size(); ++i) {
    line += fmt::format("{}{:>{}}", i == 0 ? " " : "  ", titles[i], kWidths[i]);
  }
  fmt::print(out, "{} \n", line);
}

void write_header(std::ostream& out) {
  fmt::print(out, "#\n#{:>51}           out-of-place                       in-place          \n", "");
  write_titles(out, {"size", "count", "type", "redop", "root", "time", "algbw", "busbw", "#wrong", "time", "algbw",
                     "busbw", "#wrong"});
  write_titles(out, {"(B)", "(elements)", "", "", "", "(us)", "(GB/s)", "(GB/s)", "", "(us)", "(GB/s)", "(GB/s)", ""});
}

/// What nccl-tests says of its arguments: of the sizes that the table has, and of a configuration of one sweep.
std::string arguments_text(const std::vector<Json>& rows, const Json& config) {
  std::optional<std::uint64_t> least, most;
  for (const Json& row : rows) {
    const Json bytes = pick_integer(row, "message_bytes");
    if (bytes.is_null()) continue;
    least = std::min(least.value_or(UINT64_MAX), bytes.get<std::uint64_t>());
    most = std::max(most.value_or(0), bytes.get<std::uint64_t>());
  }
  const Json sweeps = member(config, "sweeps");
  const Json sweep = sweeps.is_array() && sweeps.size() == 1 ? sweeps[0] : Json(nullptr);
  const auto number = [](const Json& from, const char* key) {
    const Json value = pick_number(from, key);
    return value.is_null() ? std::string("N/A") : fmt::format("{:g}", value.get<double>());
  };
  const bool by_bytes = !pick_number(sweep, "stepbytes").is_null();
  const Json check = pick_flag(config, "check");
  return fmt::format(
      "nThread 1 nGpus 1 minBytes {} maxBytes {} step: {}({}) warmup iters: {} iters: {} agg iters: 1 validation: {} "
      "graph: {}",
      least.value_or(0), most.value_or(0), number(sweep, by_bytes ? "stepbytes" : "stepfactor"),
      by_bytes ? "bytes" : "factor", number(sweep, "warmup_iters"), number(sweep, "iters"),
      check.is_null() ? "N/A"
      : check == true ? "1"
                      : "0",
      number(sweep, "cudagraph"));
}

/// What the 13 columns have no room for, beside what the table's name has.
std::string place_text(const Json& row) {
  return fmt::format("{}, {}, handle {}, group {} of {}", text_or(row, "workspace"), text_or(row, "transport"),
                     series_key(row).at("handle").get<std::string>(), member(row, "group").dump(),
                     counted(integer_or(row, "group_size", 0), "rank"));
}

void write_emulated(std::ostream& out, const Json& head) {
  if (pick_flag(member(head, "device"), "emulated") == true) {
    fmt::print(out, "# EMULATED: times are those of an emulation, bandwidths are not given\n");
  }
}

/// A row that did not pass, as a comment.
void write_missing(std::ostream& out, const Json& row) {
  fmt::print(out, "# {}: {}: {}\n", row.at("status").get<std::string>(), row.at("case_id").get<std::string>(),
             text_or(row, "reason", "no reason"));
}

bool all_skipped(const std::vector<Json>& rows) {
  return std::all_of(rows.begin(), rows.end(), [](const Json& row) { return row.at("status") == "skipped"; });
}

/// What became of a table's rows, as the report has them in the end.
struct Totals {
  std::uint64_t wrong = 0;
  std::string failure;  ///< of the first row that failed without wrong data
  std::size_t halves = 0;

  explicit Totals(const std::vector<Json>& rows) {
    for (const Json& row : rows) {
      const auto status = row.at("status").get<std::string>();
      if (passed(row)) ++halves;
      if (is_wrong(row)) wrong += row.at("wrong_elements").get<std::uint64_t>();
      if ((status == "failed" || status == "hung") && !is_wrong(row) && failure.empty()) {
        failure = text_or(row, "reason", status);
      }
    }
  }
};

}  // namespace

void NcclWriter::plan(const std::vector<Json>& rows) {
  series_ = series_of(rows);
  for (const Series& series : series_) {
    Table& table = tables_.emplace_back(Table{.planned = series, .key = series_key(series.first)});
    for (const Json& row : series.rows) {
      Line* line = line_of(table, row);
      if (line == nullptr) line = &table.lines.emplace_back(Line{.shape = shape_of(row)});
      ++line->awaited;
    }
  }
}

NcclWriter::Table* NcclWriter::table_of(const Json& row) {
  const Json key = series_key(row);
  const auto at = std::find_if(tables_.begin(), tables_.end(), [&](const Table& table) { return table.key == key; });
  return at == tables_.end() ? nullptr : &*at;
}

NcclWriter::Line* NcclWriter::line_of(Table& table, const Json& row) {
  const Json shape = shape_of(row);
  const auto at =
      std::find_if(table.lines.begin(), table.lines.end(), [&](const Line& line) { return line.shape == shape; });
  return at == table.lines.end() ? nullptr : &*at;
}

void NcclWriter::take(const Json& row) {
  Table* table = table_of(row);
  Line* line = table != nullptr ? line_of(*table, row) : nullptr;
  if (line == nullptr) return;
  (is_in_place(row) ? line->in_place : line->out_of_place) = row;
  if (line->awaited > 0) --line->awaited;
}

void NcclWriter::on_plan(const RunStarted& started) {
  config_ = member(started.run, "config");
  plan(started.planned_rows);
  write_version(out_, head_);
  write_injected(out_, head_);
  if (streams()) {
    begin(tables_.front(), true);
    begun_ = true;
  } else {
    write_emulated(out_, head_);
    fmt::print(out_, "#\n");
    write_devices(out_, head_);
    write_choice();
  }
  out_.flush();
}

/// Which options would leave one table, and so one that shows each row at once.
void NcclWriter::write_choice() {
  constexpr std::array<std::pair<const char*, const char*>, 6> kOptions{{{"allocator", "--allocator"},
                                                                         {"algorithm_asked", "--algorithm"},
                                                                         {"dtype", "--datatype"},
                                                                         {"pattern", "--pattern"},
                                                                         {"workspace", "--workspace"},
                                                                         {"handle", "--handle"}}};
  std::string options;
  for (const auto& [key, option] : kOptions) {
    std::set<std::string> values;
    for (const Table& table : tables_) values.insert(table.key.at(key).dump());
    if (values.size() > 1) options += fmt::format(" {} {}", option, text_or(tables_.front().key, key));
  }
  fmt::print(out_, "#\n# WARNING: {} tables, shown one after the other when the run ends{}{}\n", tables_.size(),
             options.empty() ? "" : "; one alone is shown row by row:", options);
  fmt::print(out_, "#\n");
}

std::string NcclWriter::name_of_table(const Table& table) const {
  return "symmbench/" + series_name(table.planned, series_);
}

void NcclWriter::begin(const Table& table, bool with_devices) {
  fmt::print(out_, "# Collective test starting: {}\n", name_of_table(table));
  fmt::print(out_, "# {}\n", arguments_text(table.planned.rows, config_));
  fmt::print(out_, "# {}\n", place_text(table.planned.first));
  write_emulated(out_, head_);
  if (with_devices) {
    fmt::print(out_, "#\n");
    write_devices(out_, head_);
  }
  write_header(out_);
}

void NcclWriter::write_line(Line& line) {
  line.written = true;
  const bool has_figures =
      passed(line.out_of_place) || passed(line.in_place) || is_wrong(line.out_of_place) || is_wrong(line.in_place);
  if (has_figures) {
    const Json& row = line.out_of_place.is_object() ? line.out_of_place : line.in_place;
    fmt::print(out_, "{:>12}  {:>12}  {:>8}  {:>6}  {:>6}{}{}\n", member(row, "message_bytes").dump(),
               element_count(row), type_name(row), "sum", -1, half_text(line.out_of_place), half_text(line.in_place));
  }
  for (const Json* half : {&line.out_of_place, &line.in_place}) {
    if (half->is_object() && !passed(*half)) write_missing(out_, *half);
  }
}

void NcclWriter::on_case(const DecidedCase& decided) {
  for (const Json& row : decided.rows) {
    take(row);
    Table* table = table_of(row);
    Line* line = streams() && table != nullptr ? line_of(*table, row) : nullptr;
    if (line != nullptr && line->awaited == 0 && !line->written) write_line(*line);
  }
  out_.flush();
}

/// Gates read the number or the word, so both must agree, and OK is said of the run as a whole: only when its verdict is
/// passed. What failed without wrong data is no number of values; as in nccl-tests, it is a "Test failure".
void NcclWriter::write_footers(const Table& table, const std::vector<Json>& rows, const Json& verdict) {
  const Totals totals(rows);
  const bool all_passed = verdict.at("status") == "passed";
  if (totals.wrong > 0) {
    fmt::print(out_, "# Out of bounds values : {} FAILED\n", totals.wrong);
  } else if (all_passed && totals.halves > 0) {
    fmt::print(out_, "# Out of bounds values : 0 OK\n");
  }
  if (!totals.failure.empty()) {
    fmt::print(out_, "# Test failure: {}\n", totals.failure);
  } else if (!all_passed) {
    fmt::print(out_, "# Test failure: the run's verdict is {}\n", verdict.at("status").get<std::string>());
  } else if (totals.halves == 0) {
    fmt::print(out_, "# Test failure: nothing ran\n");
  }
  const auto average = average_busbw(rows);
  const Json asked = pick_number(config_, "min_busbw");
  const bool gated = !asked.is_null() && asked != 0 && average && !is_reference(table.planned.first);
  fmt::print(out_, "# Avg bus bandwidth    : {} {}\n#\n# Collective test concluded: {}\n#\n",
             average ? fmt::format("{:g}", *average) : "N/A",
             !gated                            ? ""
             : *average >= asked.get<double>() ? "OK"
                                               : "FAILED",
             name_of_table(table));
}

void NcclWriter::end(const Json& report) {
  if (tables_.empty()) {
    config_ = member(report.at("run"), "config");
    plan(report.at("results").get<std::vector<Json>>());
  }
  for (const Json& row : report.at("results")) take(row);
  for (Table& table : tables_) {
    std::vector<Json> rows;
    for (const Line& line : table.lines) {
      for (const Json* half : {&line.out_of_place, &line.in_place}) {
        if (half->is_object()) rows.push_back(*half);
      }
    }
    // Without its library a reference is left out (report/verdict.hpp): no footer may say FAILED for it.
    const bool left_out = is_reference(table.planned.first) && all_skipped(rows) && tables_.size() > 1;
    if (!begun_ && !left_out) begin(table, false);
    for (Line& line : table.lines) {
      if (!line.written) write_line(line);
    }
    if (!left_out) write_footers(table, rows, report.at("verdict"));
  }
}

void write_nccl(std::ostream& out, const Json& report) { NcclWriter(out, report).end(report); }

}  // namespace symmbench
