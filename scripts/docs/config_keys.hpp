#pragma once
#include <string>

namespace symmbench {

/// The text of the page on configuration files with the table of keys between its two marks renewed from the option table.
/// @throws std::runtime_error when `page` lacks the marks
std::string with_current_keys(const std::string& page);

}  // namespace symmbench
