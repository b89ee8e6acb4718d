#include "report/clean_text.hpp"

#include <algorithm>

#include "core/json.hpp"

namespace symmbench {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

bool is_ascii(unsigned char byte) { return byte < 0x80; }
bool is_control(unsigned char byte) { return (byte < 0x20 && byte != '\t' && byte != '\n') || byte == 0x7f; }

}  // namespace

std::string clean_text(std::string_view text) {
  std::string clean(text);
  clean.erase(std::remove_if(clean.begin(), clean.end(), is_control), clean.end());
  if (std::all_of(clean.begin(), clean.end(), is_ascii)) return clean;
  clean = Json::parse(Json(clean).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
  // U+FFFE and U+FFFF are well formed, but no characters.
  for (const std::string_view none : {"\xef\xbf\xbe", "\xef\xbf\xbf"}) {
    for (auto at = clean.find(none); at != std::string::npos; at = clean.find(none, at)) {
      clean.replace(at, none.size(), kReplacement);
    }
  }
  return clean;
}

}  // namespace symmbench
