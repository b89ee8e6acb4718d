#include "report/nccl_table.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "report/pick.hpp"
#include "report/reference.hpp"

namespace symmbench {
namespace {

/// What one line is about: everything but in_place.
constexpr std::array kLineKeys{"group",   "workspace", "transport", "algorithm", "algorithm_asked",
                               "pattern", "dtype",     "tokens",    "hidden",    "message_bytes",
                               "blocks",  "threads",   "pdl"};

struct Line {
  const Json* out_of_place = nullptr;
  const Json* in_place = nullptr;
  const Json& any() const { return out_of_place != nullptr ? *out_of_place : *in_place; }
};

bool passed(const Json& row) { return row.at("status") == "ok" && row.at("time_us").is_object(); }

bool same_line(const Json& a, const Json& b) {
  return a.at("handle").at("asked") == b.at("handle").at("asked") &&
         std::all_of(kLineKeys.begin(), kLineKeys.end(), [&](const char* key) { return a.at(key) == b.at(key); });
}

std::vector<Line> lines_of(const std::vector<const Json*>& rows) {
  std::vector<Line> lines;
  for (const Json* row : rows) {
    if (!passed(*row)) continue;
    const Json in_place = pick_flag(*row, "in_place");
    const bool second_half = !in_place.is_null() && in_place.get<bool>();
    auto it = std::find_if(lines.begin(), lines.end(), [&](const Line& line) {
      return same_line(line.any(), *row) && (second_half ? line.in_place : line.out_of_place) == nullptr;
    });
    if (it == lines.end()) it = lines.insert(lines.end(), Line{});
    (second_half ? it->in_place : it->out_of_place) = row;
  }
  return lines;
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

std::string time_text(double time_us) {
  if (time_us >= 10000) return fmt::format("{:7.0f}", time_us);
  return time_us >= 100 ? fmt::format("{:7.1f}", time_us) : fmt::format("{:7.2f}", time_us);
}

std::string half_text(const Json* row) {
  if (row == nullptr) return fmt::format("  {}  {:6.2f}  {:6.2f}  {:>5}", time_text(0), 0.0, 0.0, "N/A");
  const auto bandwidth = [&](const char* key) {
    const Json value = pick_number(*row, key);
    return value.is_null() ? 0.0 : value.get<double>();
  };
  const Json checked = pick_integer(*row, "checked_iterations");
  const bool known = !checked.is_null() && checked.get<std::uint64_t>() > 0;
  return fmt::format("  {}  {:6.2f}  {:6.2f}  {:>5}", time_text(row->at("time_us").at("mean").get<double>()),
                     bandwidth("algbw_gbs"), bandwidth("busbw_gbs"),
                     known ? row->at("wrong_elements").dump() : std::string("N/A"));
}

void write_header(std::ostream& out) {
  fmt::print(out, "#{:>70}{:>35}\n", "out-of-place", "in-place");
  fmt::print(out, "# {:>10}  {:>12}  {:>8}  {:>6}  {:>6}", "size", "count", "type", "redop", "root");
  for (int half = 0; half < 2; ++half)
    fmt::print(out, "  {:>7}  {:>6}  {:>6}  {:>5}", "time", "algbw", "busbw", "#wrong");
  fmt::print(out, "\n# {:>10}  {:>12}  {:>8}  {:>6}  {:>6}", "(B)", "(elements)", "", "", "");
  for (int half = 0; half < 2; ++half) fmt::print(out, "  {:>7}  {:>6}  {:>6}  {:>5}", "(us)", "(GB/s)", "(GB/s)", "");
  fmt::print(out, "\n");
}

/// What the 13 columns have no room for; a comment line whenever it changes.
std::string nccl_section(const Json& row) {
  return fmt::format(
      "{}, {}, handle {}, {}, {}, group {} of {} ranks", text_or(row, "workspace"), text_or(row, "transport"),
      text_or(row.at("handle"), "used", text_or(row.at("handle"), "asked", "?")), text_or(row, "pattern"),
      text_or(row, "algorithm"), row.at("group").dump(), row.at("group_size").dump());
}

struct Totals {
  std::uint64_t wrong = 0;
  std::string failure;  ///< of the first row that failed without wrong data
  double busbw_sum = 0;
  std::size_t halves = 0;
};

void write_line(std::ostream& out, const Line& line, Totals& totals) {
  const Json& row = line.any();
  fmt::print(out, "{:>12}  {:>12}  {:>8}  {:>6}  {:>6}{}{}\n", row.at("message_bytes").dump(), element_count(row),
             type_name(row), "sum", -1, half_text(line.out_of_place), half_text(line.in_place));
  for (const Json* half : {line.out_of_place, line.in_place}) {
    if (half == nullptr) continue;
    const Json busbw = pick_number(*half, "busbw_gbs");
    totals.busbw_sum += busbw.is_null() ? 0 : busbw.get<double>();
    ++totals.halves;
  }
}

/// A row that did not pass, as a comment.
void write_missing(std::ostream& out, const Json& row) {
  fmt::print(out, "# {}: {}: {}\n", row.at("status").get<std::string>(), row.at("case_id").get<std::string>(),
             text_or(row, "reason", "no reason"));
}

/// Gates read the number or the word, so both must agree, and OK is said of the run as a whole: only when its verdict is
/// passed. What failed without wrong data is no number of values; as in nccl-tests, it is a "Test failure".
void write_footers(std::ostream& out, const Totals& totals, const Json& verdict) {
  const bool passed = verdict.at("status") == "passed";
  if (totals.wrong > 0) {
    fmt::print(out, "# Out of bounds values : {} FAILED\n", totals.wrong);
  } else if (passed && totals.halves > 0) {
    fmt::print(out, "# Out of bounds values : 0 OK\n");
  }
  if (!totals.failure.empty()) {
    fmt::print(out, "# Test failure: {}\n", totals.failure);
  } else if (!passed) {
    fmt::print(out, "# Test failure: the run's verdict is {}\n", verdict.at("status").get<std::string>());
  } else if (totals.halves == 0) {
    fmt::print(out, "# Test failure: nothing ran\n");
  }
  fmt::print(out, "# Avg bus bandwidth    : {:g} \n#\n",
             totals.halves == 0 ? 0.0 : totals.busbw_sum / static_cast<double>(totals.halves));
}

void write_block(std::ostream& out, const std::string& allocator, const std::vector<const Json*>& rows,
                 const Json& report) {
  fmt::print(out, "# Collective test starting: symmbench/{}\n#\n", allocator);
  const Json emulated = pick_flag(report.at("device"), "emulated");
  if (!emulated.is_null() && emulated.get<bool>()) {
    fmt::print(out, "# EMULATED: times are those of an emulation, bandwidths are not given\n");
  }
  write_header(out);
  Totals totals;
  std::string section;
  for (const Line& line : lines_of(rows)) {
    if (nccl_section(line.any()) != section) {
      section = nccl_section(line.any());
      fmt::print(out, "# {}\n", section);
    }
    write_line(out, line, totals);
  }
  for (const Json* row : rows) {
    if (passed(*row)) continue;
    const auto status = row->at("status").get<std::string>();
    if (status == "failed" || status == "hung") {
      const Json wrong = pick_integer(*row, "wrong_elements");
      totals.wrong += wrong.is_null() ? 0 : wrong.get<std::uint64_t>();
      if ((wrong.is_null() || wrong == 0) && totals.failure.empty()) totals.failure = text_or(*row, "reason", status);
    }
    write_missing(out, *row);
  }
  write_footers(out, totals, report.at("verdict"));
  fmt::print(out, "# Collective test concluded: symmbench/{}\n#\n", allocator);
}

}  // namespace

void write_nccl(std::ostream& out, const Json& report) {
  std::vector<std::pair<std::string, std::vector<const Json*>>> by_allocator;
  for (const Json& row : report.at("results")) {
    const auto allocator = row.at("allocator").get<std::string>();
    auto it =
        std::find_if(by_allocator.begin(), by_allocator.end(), [&](const auto& e) { return e.first == allocator; });
    if (it == by_allocator.end()) it = by_allocator.insert(by_allocator.end(), {allocator, {}});
    it->second.push_back(&row);
  }
  for (const auto& [allocator, rows] : by_allocator) {
    const bool all_skipped =
        std::all_of(rows.begin(), rows.end(), [](const Json* row) { return row->at("status") == "skipped"; });
    // Without its library a reference is left out (report/verdict.hpp): no footer may say FAILED for it.
    if (is_reference(*rows.front()) && all_skipped && by_allocator.size() > 1) {
      for (const Json* row : rows) write_missing(out, *row);
    } else {
      write_block(out, allocator, rows, report);
    }
  }
}

}  // namespace symmbench
