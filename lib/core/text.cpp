#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <utility>

namespace symmbench {
namespace {

std::optional<int> suffix_power(std::string_view suffix) {
  constexpr std::array<std::pair<char, int>, 4> kPowers{{{'K', 1}, {'M', 2}, {'G', 3}, {'T', 4}}};
  if (suffix.empty() || suffix == "B") return 0;
  for (const auto& [letter, power] : kPowers) {
    if (std::toupper(static_cast<unsigned char>(suffix.front())) != letter) continue;
    const auto rest = suffix.substr(1);
    if (rest.empty() || rest == "B" || rest == "iB") return power;
  }
  return std::nullopt;
}

constexpr std::size_t kByteUnits = 5;

/// In the largest unit of 1024^n that leaves at least one, to two decimals, and n.
std::pair<double, std::size_t> scaled(std::uint64_t bytes) {
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kByteUnits) {
    value /= 1024;
    ++unit;
  }
  return {std::round(value * 100) / 100, unit};
}

/// Letters put in, left out, changed, or swapped with their neighbour, to make `other` of `word`, small or capital.
std::size_t edits(std::string word, std::string other) {
  for (std::string* each : {&word, &other}) {
    std::ranges::transform(*each, each->begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  }
  std::vector<std::size_t> before_last, last(other.size() + 1), row(other.size() + 1);
  for (std::size_t j = 0; j < last.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= word.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= other.size(); ++j) {
      const std::size_t changed = last[j - 1] + (word[i - 1] == other[j - 1] ? 0 : 1);
      row[j] = std::min({row[j - 1] + 1, last[j] + 1, changed});
      const bool swapped = i > 1 && j > 1 && word[i - 1] == other[j - 2] && word[i - 2] == other[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last = std::exchange(last, row);
  }
  return last.back();
}

}  // namespace

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  const auto digits_end = text.find_first_not_of("0123456789.");
  const auto number = text.substr(0, digits_end);
  const auto suffix = digits_end == std::string_view::npos ? std::string_view{} : text.substr(digits_end);
  const auto power = suffix_power(suffix);
  if (number.empty() || number.front() == '.' || number.back() == '.' || !power) return std::nullopt;
  if (power == 0 && number.find('.') != std::string_view::npos) return std::nullopt;

  const std::uint64_t unit = std::uint64_t{1} << (10 * *power);
  const auto* end = number.data() + number.size();
  if (number.find('.') == std::string_view::npos) {
    std::uint64_t count = 0;
    const auto result = std::from_chars(number.data(), end, count);
    if (result.ec != std::errc{} || result.ptr != end) return std::nullopt;  // ec alone tells of too many digits
    if (count > UINT64_MAX / unit) return std::nullopt;
    return count * unit;
  }
  double count = 0;
  const auto result = std::from_chars(number.data(), end, count);
  if (result.ec != std::errc{} || result.ptr != end) return std::nullopt;
  const double bytes = count * static_cast<double>(unit);
  if (bytes != std::floor(bytes) || bytes >= 9.0e18) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::array<const char*, kByteUnits> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  const auto [value, unit] = scaled(bytes);
  return fmt::format("{} {}", value, kUnits[unit]);
}

std::string short_bytes(std::uint64_t bytes) {
  constexpr std::array<const char*, kByteUnits> kUnits{"", "K", "M", "G", "T"};
  const auto [value, unit] = scaled(bytes);
  return fmt::format("{}{}", value, kUnits[unit]);
}

std::string figure_text(double value, std::size_t width) {
  for (const int decimals : {2, 1, 0}) {
    if (auto text = fmt::format("{:.{}f}", value, decimals); text.size() <= width) return text;
  }
  const auto text = fmt::format("{:.1e}", value);
  return text.size() <= width ? text : fmt::format("{:.0e}", value);
}

std::optional<std::string> nearest_name(std::string_view word, std::span<const std::string> candidates) {
  constexpr std::size_t kLongestWord = 64;  // nobody's typing mistake
  if (word.empty() || word.size() > kLongestWord) return std::nullopt;
  std::optional<std::string> best;
  std::size_t best_edits = std::max<std::size_t>(word.size() / 3, 1) + 1;  // so many make another word of it
  for (const auto& candidate : candidates) {
    const std::size_t needed = edits(std::string(word), candidate);
    if (needed >= best_edits || needed >= std::min(word.size(), candidate.size())) continue;
    best_edits = needed;
    best = candidate;
  }
  return best;
}

std::vector<std::string> split_list(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const auto at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return hash;
}

std::uint32_t crc32(std::string_view text) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> rows{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? 0xEDB88320u : 0u);
      rows[i] = value;
    }
    return rows;
  }();
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const char c : text) crc = (crc >> 8) ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xFFu];
  return ~crc;
}

}  // namespace symmbench
