#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace symmbench {

/// "16", "4K", "64KiB", "1.5M", "2G" (1024^n; fractions only with a suffix and only when they give whole bytes).
/// nullopt for anything else: trailing text, sign, overflow.
std::optional<std::uint64_t> parse_bytes(std::string_view text);

/// "16 B", "4 KiB", "1.5 MiB".
std::string format_bytes(std::uint64_t bytes);

/// The same as sizes are typed: "16", "4K", "1.5M".
std::string short_bytes(std::uint64_t bytes);

/// A figure in at most `width` characters where it can be: with two decimals, else one, else none, else as 1.2e+09.
std::string figure_text(double value, std::size_t width);

/// The candidate with the smallest edit distance to `word`, when it is near enough to be a typing mistake.
std::optional<std::string> nearest_name(std::string_view word, std::span<const std::string> candidates);

std::vector<std::string> split_list(std::string_view text, char separator = ',');

/// FNV-1a, 64 bits: stable ids and hashes that go into reports.
std::uint64_t fnv1a(std::string_view text);
/// CRC-32 (IEEE 802.3, reflected), as journal lines carry it.
std::uint32_t crc32(std::string_view text);

}  // namespace symmbench
