#include "config/config_file.hpp"

#include <fmt/format.h>

namespace symmbench {

Document read_config_file(const std::string& path, const std::string& kind) {
  const std::string what = fmt::format("{} {}", kind, path);
  return parse_document(read_bytes(path, what, kLongestConfig), what);
}

}  // namespace symmbench
