#pragma once
#include "catalog/algorithms.hpp"
#include "report/pick.hpp"

namespace symmbench {

/// Whether a planned row, or a row of a report, is a reference: another library's, measured beside ours. Plans and
/// reports made before rows said so (report 1.4.0) are read by their algorithm.
inline bool is_reference(const Json& row) {
  if (const Json said = pick_flag(row, "reference"); !said.is_null()) return said.get<bool>();
  const auto algorithm = algorithm_from(text_or(row, "algorithm"));
  return algorithm && is_reference(*algorithm);
}

}  // namespace symmbench
