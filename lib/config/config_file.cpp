#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "config/option_value.hpp"
#include "config/resolve.hpp"

namespace symmbench {
namespace {

std::string read_text(const std::string& path, const std::string& kind) {
  const auto fail = [&](int code) {
    throw Error({.layer = Layer::config,
                 .reason = Reason::io_error,
                 .detail = fmt::format("{} {}: cannot be read: {}", kind, path, std::strerror(code)),
                 .code = code});
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) fail(EISDIR);  // a stream would find it empty
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(errno);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The parser itself would let the last one win in silence.
void refuse_repeated_keys(std::string_view text, const std::string& what) {
  std::vector<std::set<std::string>> open_objects;
  const auto unused = Json::parse(text, [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) open_objects.emplace_back();
    if (event == Json::parse_event_t::object_end) open_objects.pop_back();
    if (event == Json::parse_event_t::key && !open_objects.back().insert(parsed.get<std::string>()).second) {
      fail_config(fmt::format("{}: key '{}' is given twice", what, parsed.get<std::string>()));
    }
    return true;
  });
  (void)unused;
}

}  // namespace

Json parse_config(std::string_view text, const std::string& what) {
  auto json = parse_json(text, what);
  refuse_repeated_keys(text, what);
  return json;
}

Json read_config_file(const std::string& path, const std::string& kind) {
  return parse_config(read_text(path, kind), fmt::format("{} {}", kind, path));
}

}  // namespace symmbench
