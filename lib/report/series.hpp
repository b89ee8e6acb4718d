#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

/// A series: rows that differ in their size, and in whether the output lies over the input, and in nothing else. Each is
/// a table of --format nccl, with an average bus bandwidth of its own.
struct Series {
  Json first;              ///< a row that stands for all
  std::vector<Json> rows;  ///< in the order of the report, or of the plan
};

/// Of a row of the plan or of results[]: two rows are of one series when this is equal.
Json series_key(const Json& row);

/// What tells `series` from the others in `all`, apart from what every name has: allocator, pattern, dtype and algorithm.
/// "symm_device_memory/allreduce/bf16/one_shot", "symm_device_memory/allreduce/bf16/one_shot/group 1".
std::string series_name(const Series& series, const std::vector<Series>& all);

std::vector<Series> series_of(const std::vector<Json>& rows);

/// Mean of the bus bandwidths, GB/s, of all rows of `series` that have one, in and out of place; nullopt where none has.
std::optional<double> average_busbw(const std::vector<Json>& rows);

/// Which series of a report fall short of the bus bandwidth that its configuration asks for (min_busbw), in words, one each.
/// References are no candidates, nor is a series of which nothing passed: rows say why. Without such a demand none falls short.
std::vector<std::string> short_of_busbw(const Json& report);

}  // namespace symmbench
