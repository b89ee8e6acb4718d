#pragma once
#include <string>
#include <string_view>

namespace symmbench {

/// `text` as every reader of text files takes it: UTF-8, control characters but tab and line feed dropped, what is no
/// character replaced by U+FFFD. Names and reasons come from drivers, launchers and other programs' stderr.
std::string clean_text(std::string_view text);

}  // namespace symmbench
