#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.hpp"
#include "stats/slowdown.hpp"

namespace symmbench {

/// Whether two schema versions have the same major number.
bool same_major(std::string_view version, std::string_view other);

/// Reads a report that some run wrote, maybe one of an older version, without what no comparison or gate looks at.
/// @throws Error{config, ...} naming the file: it cannot be read, is no report, or has a schema of another major version,
/// which is told beside this program's
Json read_report(const std::string& path);
/// The same with everything that is in it.
Json read_whole_report(const std::string& path);

/// A row of results[] that has times. Valid as long as its report.
struct MeasuredRow {
  const Json* row = nullptr;
  PlacedTimes times;
  double mean_us = 0;
};

/// case_id and allocator.
using RowName = std::pair<std::string, std::string>;
RowName name_of_row(const Json& row);

/// The rows of a report by their names; of two with one name the first. In the order of the report.
class ReportRows {
 public:
  /// `report` must outlive it.
  explicit ReportRows(const Json& report);

  const std::vector<RowName>& names() const { return order_; }
  /// nullptr: the report has no such row.
  const Json* row(const RowName& name) const;
  /// nullopt: no such row, or without a mean time.
  std::optional<MeasuredRow> measured(const RowName& name) const;
  /// Why a row, which is there, has no times by placement: its status and reason, or the report's age.
  std::string why_not_measured(const RowName& name) const;

 private:
  std::vector<RowName> order_;
  std::map<RowName, const Json*> rows_;
};

/// Numbers of series: rows that differ in size only have the same.
class SeriesNumbers {
 public:
  std::size_t of(const Json& row);

 private:
  std::map<std::string, std::size_t> numbers_;
};

/// Why a report can be no baseline and no origin of limits, in words that follow its name: it is not complete, faults were
/// injected, or no row of it has times by placement. nullopt: it can.
std::optional<std::string> unfit_for_gates(const Json& report);

/// By how much the times of a repeated run scatter as a whole, as a standard deviation of their logarithm. Nothing is
/// known of GPUs beyond what placements and neighbouring sizes show. On the emulated device threads share cores: one message
/// of 1 KiB took 50 us in runs whose threads ran side by side, and 2 ms in runs whose threads waited for each other's turn.
double run_spread_of(const Json& report);

}  // namespace symmbench
