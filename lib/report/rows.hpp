#pragma once
#include "report/outcome.hpp"
#include "report/upstream_choice.hpp"
#include "stats/limits.hpp"

namespace symmbench {

/// What the rows of a group of ranks have in common.
struct RowSurroundings {
  bool emulated, raw_samples;
  const Floors* floors;  ///< of the group; null when they were not measured
  UpstreamFacts upstream;
};

/// One flat row of results[]: the planned keys, what became of it, and what was measured.
Json row_json(const Json& planned_row, const RowOutcome& outcome, const RowSurroundings& around);

/// A row for each of `planned_rows`, which are of the records' plan, in their order.
Json fold_rows(const RecordSet& records, const Outcomes& outcomes, std::span<const Json> planned_rows);

/// {mean, p50, p90, p95, p99, min, max, stdev, ci95_low, ci95_high, samples}: null where there are too few samples for
/// a figure (stats/statistics.hpp). Null altogether without samples.
Json distribution_json(std::span<const double> samples);

/// All samples of a row, block after block.
std::vector<double> samples_of(const RowRecord& row);

}  // namespace symmbench
