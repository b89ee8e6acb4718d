#include "journal/codec.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "core/text.hpp"

namespace symmbench {
namespace {

constexpr std::size_t kChecksumDigits = 8;

[[noreturn]] void corrupted(std::string detail) {
  throw Error({.layer = Layer::report, .reason = Reason::corrupted, .detail = std::move(detail)});
}

/// Where the first number that is not finite stands, as a JSON pointer; empty string when there is none.
std::string first_not_finite(const Json& json, const std::string& path) {
  if (json.is_number_float()) return std::isfinite(json.get<double>()) ? "" : (path.empty() ? "/" : path);
  if (!json.is_structured()) return "";
  for (auto it = json.begin(); it != json.end(); ++it) {
    std::string inner = path + "/";
    inner += json.is_object() ? it.key() : std::to_string(it - json.begin());
    if (auto found = first_not_finite(*it, inner); !found.empty()) return found;
  }
  return "";
}

}  // namespace

void require_finite(const Json& json, std::string_view what) {
  if (const auto path = first_not_finite(json, ""); !path.empty()) {
    throw Error({.layer = Layer::report,
                 .reason = Reason::internal,
                 .detail = fmt::format("{}: the number at {} is not finite", what, path)});
  }
}

std::string encode_line(const Json& record) {
  require_finite(record, "journal record");
  // Text from other programs (a worker's stderr) may hold bytes that are no UTF-8; they are replaced, not refused.
  const std::string text = record.dump(-1, ' ', false, Json::error_handler_t::replace);
  return fmt::format("{:08x} {}\n", crc32(text), text);
}

Json decode_line(std::string_view line) {
  if (line.size() < kChecksumDigits + 2 || line[kChecksumDigits] != ' ') {
    corrupted("not a journal line: it must be 8 hexadecimal digits, a space and a JSON object");
  }
  std::uint32_t expected = 0;
  const char* digits_end = line.data() + kChecksumDigits;
  if (std::from_chars(line.data(), digits_end, expected, 16).ptr != digits_end) {
    corrupted(fmt::format("'{}' is no checksum", line.substr(0, kChecksumDigits)));
  }
  const auto text = line.substr(kChecksumDigits + 1);
  if (const auto actual = crc32(text); actual != expected) {
    corrupted(fmt::format("checksum is {:08x}, the text gives {:08x}", expected, actual));
  }
  Json record;
  try {
    record = parse_json(text, "record");
  } catch (const Error&) {
    record = nullptr;
  }
  if (!record.is_object()) corrupted("the checksum is right, but the text is not a JSON object");
  return record;
}

JournalText decode_text(std::string_view text, std::string_view name) {
  JournalText journal;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) {
      journal.truncated = true;
      journal.problems.push_back(
          fmt::format("{} line {}: cut off after {} bytes, left out", name, number, text.size()));
      break;
    }
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (line.empty()) continue;  // JournalWriter ends a torn line this way
    try {
      journal.records.push_back(decode_line(line));
    } catch (const Error& error) {
      journal.problems.push_back(fmt::format("{} line {}: {}, left out", name, number, error.failure().detail));
    }
  }
  return journal;
}

}  // namespace symmbench
