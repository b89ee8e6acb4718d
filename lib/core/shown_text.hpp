#pragma once
#include <string>
#include <string_view>

namespace symmbench {

/// For messages: `text` itself, or its beginning where it is long.
std::string in_short(std::string_view text);

bool is_utf8(std::string_view text);

}  // namespace symmbench
