#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace symmbench {

/// `text` for a terminal of so many columns: longer lines are broken between words, and what follows hangs under the last
/// column of the line (after two blanks), or two further in. Words stay whole. 0 columns: as it is.
std::string fitted(std::string_view text, std::size_t columns);

}  // namespace symmbench
