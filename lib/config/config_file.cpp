#include "config/config_file.hpp"

#include <fmt/format.h>

#include <set>

#include "config/option_value.hpp"

namespace symmbench {
namespace {

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
  const std::string what = fmt::format("{} {}", kind, path);
  return parse_config(read_text_file(path, what), what);
}

}  // namespace symmbench
