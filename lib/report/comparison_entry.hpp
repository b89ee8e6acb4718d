#pragma once
#include "core/json.hpp"
#include "report/pick.hpp"

namespace symmbench {

/// What an entry about two rows of results[] says of their case, as it stands in `a`, and their mean times.
void add_case(Json& entry, const Json& a, const Json& b);

/// What was found, of a PairedComparison or a SlowdownResult.
template <class Result>
void add_result(Json& entry, const Result& result) {
  entry["ratio"] = result.ratio;
  entry["ci_low"] = result.interval ? Json(result.interval->low) : Json(nullptr);
  entry["ci_high"] = result.interval ? Json(result.interval->high) : Json(nullptr);
  entry["samples"] = result.samples;
  entry["placements"] = result.placements;
  entry["verdict"] = name_of(result.verdict);
  entry["reason"] = result.reason;
}

}  // namespace symmbench
