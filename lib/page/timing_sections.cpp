#include "page/timing_sections.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "core/text.hpp"
#include "page/element.hpp"
#include "page/line_chart.hpp"
#include "report/pick.hpp"
#include "report/series.hpp"
#include "report/text.hpp"

namespace symmbench {
namespace {

std::string number(const Json& value, int digits = 2) {
  return value.is_number() ? fmt::format("{:.{}f}", value.get<double>(), digits) : "";
}

std::string size_text(const Json& row) {
  const Json bytes = pick_integer(row, "message_bytes");
  return bytes.is_null() ? "" : short_bytes(bytes.get<std::uint64_t>());
}

std::string shape_text(const Json& row) {
  return fmt::format("{}x{}", integer_or(row, "tokens", 0), integer_or(row, "hidden", 0));
}

std::string place_text(const Json& row) { return pick_flag(row, "in_place") == true ? "in place" : "out of place"; }

/// A plain sum takes a message as so many elements, whatever its rows are.
bool is_plain(const Json& row) { return text_or(row, "pattern") == "allreduce"; }

/// What rows of one chart have in common.
Json chart_key(const Json& row) {
  Json key = series_key(row);
  for (const char* of_curve : {"allocator", "algorithm_asked"}) key.erase(of_curve);
  key["in_place"] = pick_flag(row, "in_place");
  if (!is_plain(row)) key["hidden"] = pick_integer(row, "hidden");
  return key;
}

std::string chart_title(const Json& row) {
  const auto hidden = is_plain(row) ? "" : fmt::format("hidden {}, ", integer_or(row, "hidden", 0));
  std::string title = fmt::format("{} {}, {} {}, {}{}", text_or(row, "workspace"), text_or(row, "transport"),
                                  text_or(row, "pattern"), text_or(row, "dtype"), hidden, place_text(row));
  if (const auto variant = text_or(row, "variant"); !variant.empty()) title += ", " + variant;
  return fmt::format("{}, group {} of {} ranks, handle {}", title, integer_or(row, "group", 0),
                     integer_or(row, "group_size", 0), text_or(member_of(row, "handle"), "asked"));
}

std::string curve_name(const Json& row) {
  return fmt::format("{}, {}", text_or(row, "allocator"), text_or(row, "algorithm_asked", text_or(row, "algorithm")));
}

ChartPoint point_of(const Json& row) {
  const Json& time = member_of(row, "time_us");
  const auto of = [&](const char* key, double otherwise) {
    const Json value = pick_number(time, key);
    return value.is_null() ? otherwise : value.get<double>();
  };
  const double mean = of("mean", 0);
  const Json bytes = pick_integer(row, "message_bytes");
  return {.x = bytes.is_null() ? 0 : bytes.get<double>(),
          .y = mean,
          .low = of("ci95_low", mean),
          .high = of("ci95_high", mean)};
}

using Rows = std::vector<const Json*>;

/// Rows by a key, in the order in which keys are first met.
class RowsByKey {
 public:
  void add(const std::string& key, const Json& row) {
    const auto [at, is_new] = places_.emplace(key, lists_.size());
    if (is_new) lists_.emplace_back();
    lists_[at->second].push_back(&row);
  }
  const std::vector<Rows>& lists() const { return lists_; }

 private:
  std::map<std::string, std::size_t> places_;
  std::vector<Rows> lists_;
};

void add_chart(pugi::xml_node body, const Rows& rows) {
  LineChart chart{.title = chart_title(*rows.front()), .curves = {}};
  RowsByKey curves;
  for (const Json* row : rows) curves.add(curve_name(*row), *row);
  for (const Rows& of_curve : curves.lists()) {
    const Json& first = *of_curve.front();
    ChartCurve curve{.name = curve_name(first), .points = {}, .dashed = pick_flag(first, "reference") == true};
    for (const Json* row : of_curve) curve.points.push_back(point_of(*row));
    std::ranges::sort(curve.points, {}, &ChartPoint::x);
    chart.curves.push_back(std::move(curve));
  }
  add(body, "h3", chart.title);
  draw(body, chart);
}

void add_time_table(pugi::xml_node body, const Rows& rows) {
  PageTable table(body, {"size", "shape", "allocator", "algorithm", "us", "95 % interval", "samples", "busbw GB/s",
                         "% of limit", "wrong", "status"});
  for (const Json* row : rows) {
    const Json& time = member_of(*row, "time_us");
    const Json of_limit = pick_number(*row, "of_limit");
    const auto low = number(member_of(time, "ci95_low")), high = number(member_of(time, "ci95_high"));
    const auto status = text_or(*row, "status");
    table.add_row(
        {{size_text(*row), "number"},
         {shape_text(*row)},
         {text_or(*row, "allocator")},
         {text_or(*row, "algorithm")},
         {number(member_of(time, "mean")), "number"},
         {low.empty() || high.empty() ? "" : fmt::format("{} to {}", low, high), "number"},
         {pick_integer(time, "samples").is_null() ? "" : pick_integer(time, "samples").dump(), "number"},
         {number(member_of(*row, "busbw_gbs"), 1), "number"},
         {of_limit.is_null() ? "" : fmt::format("{:.0f}", 100 * of_limit.get<double>()), "number"},
         {pick_integer(*row, "wrong_elements").is_null() ? "" : pick_integer(*row, "wrong_elements").dump(), "number"},
         {status, status == "ok" ? "" : status}});
  }
}

std::string leaks_text(const Json& leaks) {
  std::string text;
  if (!leaks.is_object()) return text;
  for (const auto& [what, count] : leaks.items()) {
    if (count.is_number() && count != 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count.dump(), what);
  }
  return text;
}

}  // namespace

void add_rows_that_did_not_pass(pugi::xml_node body, const Json& report) {
  Rows rows;
  for (const Json& row : member_of(report, "results")) {
    if (text_or(row, "status") != "ok") rows.push_back(&row);
  }
  if (rows.empty()) return;
  add(body, "h2", "Rows that did not pass");
  PageTable table(body, {"status", "case", "allocator", "why"});
  for (const Json* row : rows) {
    const Json& failure = member_of(*row, "failure");
    const auto status = text_or(*row, "status");
    table.add_row({{status, status},
                   {text_or(*row, "case_id"), "name"},
                   {text_or(*row, "allocator")},
                   {failure.is_object() ? describe(failure_from_json(failure)) : text_or(*row, "reason"), "words"}});
  }
}

void add_times(pugi::xml_node body, const Json& report) {
  RowsByKey charts;
  for (const Json& row : member_of(report, "results")) {
    if (pick_number(member_of(row, "time_us"), "mean").is_number()) charts.add(chart_key(row).dump(), row);
  }
  if (charts.lists().empty()) return;
  add(body, "h2", "Times");
  add_styled(body, "p", "quiet",
             "Mean of batches, slowest rank, with its 95 % interval where it is known; both axes by the logarithm.");
  for (const Rows& rows : charts.lists()) {
    add_chart(body, rows);
    add_time_table(body, rows);
  }
}

void add_allocator_comparisons(pugi::xml_node body, const Json& report) {
  const Json& comparisons = member_of(report, "comparison");
  if (!comparisons.is_array() || comparisons.empty()) return;
  add(body, "h2", "Allocators, case by case");
  PageTable table(
      body, {"A", "B", "pattern", "algorithm", "dtype", "size", "A us", "B us", "A/B", "interval", "A is", "why"});
  for (const Json& entry : comparisons) {
    const auto low = number(member_of(entry, "ci_low"), 3), high = number(member_of(entry, "ci_high"), 3);
    table.add_row({{text_or(entry, "allocator_a")},
                   {text_or(entry, "allocator_b")},
                   {text_or(entry, "pattern")},
                   {text_or(entry, "algorithm")},
                   {text_or(entry, "dtype")},
                   {size_text(entry), "number"},
                   {number(member_of(entry, "time_a_us")), "number"},
                   {number(member_of(entry, "time_b_us")), "number"},
                   {number(member_of(entry, "ratio"), 3), "number"},
                   {low.empty() || high.empty() ? "" : fmt::format("{} to {}", low, high), "number"},
                   {shown_verdict(text_or(entry, "verdict"))},
                   {text_or(entry, "reason"), "words"}});
  }
}

void add_lifecycles(pugi::xml_node body, const Json& report) {
  const Json& stability = member_of(report, "stability");
  if (!stability.is_array() || stability.empty()) return;
  add(body, "h2", "Lifecycles");
  const bool none = std::ranges::none_of(stability, [](const Json& e) { return integer_or(e, "lifecycles", 0) > 0; });
  if (none) add(body, "p", "None ran: whether anything leaks is unknown.");
  for (const Json& entry : stability) {
    if (integer_or(entry, "lifecycles", 0) == 0) continue;  // which says nothing about leaks
    add(body, "h3",
        fmt::format("{} of {}, {}", text_or(entry, "allocator"), text_or(entry, "workspace"),
                    text_or(entry, "transport")));
    const auto leaks = leaks_text(member_of(entry, "leaks"));
    add(body, "p",
        fmt::format("{} lifecycles, {} failed, leaks: {}", integer_or(entry, "lifecycles", 0),
                    integer_or(entry, "failed", 0), leaks.empty() ? "none" : leaks));
    PageTable table(body, {"phase", "count", "p50 us", "p99 us", "largest us", "failures"});
    for (const Json& phase : member_of(entry, "phases")) {
      table.add_row({{text_or(phase, "phase")},
                     {fmt::format("{}", integer_or(phase, "count", 0)), "number"},
                     {number(member_of(phase, "p50_us")), "number"},
                     {number(member_of(phase, "p99_us")), "number"},
                     {number(member_of(phase, "max_us")), "number"},
                     {leaks_text(member_of(phase, "failures"))}});
    }
  }
}

}  // namespace symmbench
