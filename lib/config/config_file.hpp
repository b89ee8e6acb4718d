#pragma once
#include <string>
#include <string_view>

#include "core/json.hpp"

namespace symmbench {

/// Read a config file: JSON with line and column in messages, a key given twice is refused. `kind` begins the messages.
/// @throws Error{config, io_error or invalid_argument}
Json read_config_file(const std::string& path, const std::string& kind = "config file");
/// The same for text at hand; `what` begins the messages.
Json parse_config(std::string_view text, const std::string& what);

}  // namespace symmbench
