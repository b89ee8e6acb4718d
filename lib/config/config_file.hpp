#pragma once
#include <string>

#include "core/document.hpp"

namespace symmbench {

/// Read a config file of at most kLongestConfig bytes. `kind` begins the messages.
/// @throws Error{config, io_error or invalid_argument} as read_bytes() and parse_document()
Document read_config_file(const std::string& path, const std::string& kind = "config file");

}  // namespace symmbench
