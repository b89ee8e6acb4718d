#pragma once
#include <algorithm>

#include "report/pick.hpp"

namespace symmbench {

/// The first attempt of a row of results[] that hung, as attempts[] has it: also one that came after the attempt that
/// decided the row, which the row's own status does not show. Null when none is listed.
inline Json hung_attempt(const Json& row) {
  const Json attempts = member(row, "attempts");
  if (!attempts.is_array()) return nullptr;
  const auto hung = std::find_if(attempts.begin(), attempts.end(),
                                 [](const Json& attempt) { return attempt.at("status") == "hung"; });
  return hung == attempts.end() ? Json(nullptr) : *hung;
}

/// Whether the row or any attempt at it hung.
inline bool ever_hung(const Json& row) { return row.at("status") == "hung" || !hung_attempt(row).is_null(); }

}  // namespace symmbench
