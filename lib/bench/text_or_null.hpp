#pragma once
#include <string>

#include "core/json.hpp"

namespace symmbench {

/// null of an empty text: of what was not told.
inline Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

}  // namespace symmbench
