#pragma once
#include <string>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

/// The columns of results_csv(): the path of every single value that the report's schema gives a row of results[],
/// "case_id", "handle.used", "time_us.mean", in its order; what is a list or has no fixed keys (attempts, blame) has
/// none. So a file always has the same columns, and a key that the schema gains is a column.
std::vector<std::string> csv_columns();

/// results[] as CSV (RFC 4180 but for line feeds as line ends): a header, then a line per row. Unknown is empty.
std::string results_csv(const Json& report);

}  // namespace symmbench
