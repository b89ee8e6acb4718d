#pragma once
#include "report/outcome.hpp"
#include "stats/limits.hpp"

namespace symmbench {

/// One flat row of results[]: the planned keys, what became of it, and what was measured. `floors` of its group of
/// ranks: null when they were not measured.
Json row_json(const Json& planned_row, const RowOutcome& outcome, bool emulated, bool raw_samples,
              const Floors* floors);

/// A row for each of `planned_rows`, which are of the records' plan, in their order.
Json fold_rows(const RecordSet& records, const Outcomes& outcomes, std::span<const Json> planned_rows);

/// {mean, p50, p90, p95, p99, min, max, stdev, ci95_low, ci95_high, samples}: null where there are too few samples for
/// a figure (stats/statistics.hpp). Null altogether without samples.
Json distribution_json(std::span<const double> samples);

/// All samples of a row, block after block.
std::vector<double> samples_of(const RowRecord& row);

}  // namespace symmbench
