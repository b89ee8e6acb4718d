#include "core/shown_text.hpp"

namespace symmbench {

std::string in_short(std::string_view text) {
  constexpr std::size_t kLongest = 100;
  if (text.size() <= kLongest) return std::string(text);
  std::size_t end = kLongest - 3;
  while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80 && end > 0) --end;  // not within a character
  return std::string(text.substr(0, end)) + "...";
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t length = lead < 0x80                    ? 1
                               : lead >= 0xC2 && lead < 0xE0  ? 2
                               : lead >= 0xE0 && lead < 0xF0  ? 3
                               : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                              : 0;
    if (length == 0 || at + length > text.size()) return false;
    for (std::size_t i = 1; i < length; ++i) {
      const auto next = static_cast<unsigned char>(text[at + i]);
      if ((next & 0xC0) != 0x80) return false;
      if (i > 1) continue;
      // Longer than needed, a surrogate, or beyond the last character.
      if ((lead == 0xE0 && next < 0xA0) || (lead == 0xED && next > 0x9F)) return false;
      if ((lead == 0xF0 && next < 0x90) || (lead == 0xF4 && next > 0x8F)) return false;
    }
    at += length;
  }
  return true;
}

}  // namespace symmbench
