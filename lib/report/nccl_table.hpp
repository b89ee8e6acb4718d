#pragma once
#include <cstddef>
#include <ostream>
#include <utility>
#include <vector>

#include "report/case_feed.hpp"
#include "report/series.hpp"

namespace symmbench {

/// --format nccl: what nccl-tests 2.19 prints, so that whatever reads that reads this: its 13 columns at the same places,
/// its comment lines in their order, both footers. Every line that is no row starts with '#'. Writes to `out`, which must
/// outlive it, and nowhere else.
///
/// A table holds one series (report/series.hpp) between "# Collective test starting" and "concluded". Of one series rows
/// are written as they finish; of several, tables come one after the other at the end, and a line at the start says which
/// options would leave one. Rows of the same shape out of place and in place share a line, written when both have ended.
/// What was not measured is N/A: a half that did not run, bandwidths on an emulated device, #wrong of what nobody checked.
/// Rows that did not pass are comments; those with wrong data are rows, too, with nothing but the count.
///
/// Footers come with the verdict. "0 OK" is said only where the report's verdict is passed; wrong data makes it a number
/// and FAILED, and whatever else went wrong a "Test failure" line. The average says OK or FAILED where --min-busbw asks.
class NcclWriter final : public CaseListener {
 public:
  /// `head`: report_head(), which has the ranks as far as they are known.
  explicit NcclWriter(std::ostream& out, Json head = Json::object()) : out_(out), head_(std::move(head)) {}

  void set_head(Json head) { head_ = std::move(head); }

  void on_plan(const RunStarted& started) override;
  void on_case(const DecidedCase& decided) override;
  void on_end() override {}
  /// All that is left, after the last case, with the verdict.
  void end(const Json& report);

 private:
  /// A line of a table: both halves of a shape.
  struct Line {
    Json shape;
    std::size_t awaited = 0;      ///< halves of the plan that are not decided
    Json out_of_place, in_place;  ///< rows of results[]; null where there is none
    bool written = false;
  };
  struct Table {
    Series planned;
    Json key;
    std::vector<Line> lines;
  };

  void plan(const std::vector<Json>& rows);
  bool streams() const { return tables_.size() == 1; }
  Table* table_of(const Json& row);
  static Line* line_of(Table& table, const Json& row);
  void take(const Json& row);
  std::string name_of_table(const Table& table) const;
  void write_choice();
  void begin(const Table& table, bool with_devices);
  void write_line(Line& line);
  /// `rows` of results[] that the table stands for.
  void write_footers(const Table& table, const std::vector<Json>& rows, const Json& verdict);

  std::ostream& out_;
  Json head_, config_;
  std::vector<Series> series_;
  std::vector<Table> tables_;
  bool begun_ = false;  ///< the one table that there is has its header
};

/// The same of a finished report.
void write_nccl(std::ostream& out, const Json& report);

}  // namespace symmbench
