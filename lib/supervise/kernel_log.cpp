#include "supervise/kernel_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "core/text.hpp"
#include "journal/records.hpp"

namespace symmbench {
namespace {

constexpr std::string_view kTelling[] = {"NVRM:", "SXid", "nvidia-nvswitch", "ut of memory: Killed process",
                                         "symmbench["};
constexpr std::size_t kMostRead = 4096;    // records at a time: a log that grows faster than it is read has no end
constexpr std::size_t kLongestLine = 400;  // bytes that are kept of one

/// "6,536,11938305022,-;text\n KEY=value": when it was said, in microseconds since boot, and the text.
Json line_of(std::string_view record) {
  const auto semicolon = record.find(';');
  if (semicolon == std::string_view::npos) return nullptr;
  std::string_view head = record.substr(0, semicolon), text = record.substr(semicolon + 1);
  text = text.substr(0, text.find('\n'));
  if (!tells_of_a_run(text)) return nullptr;
  for (int field = 0; field < 2; ++field) head.remove_prefix(std::min(head.size(), head.find(',') + 1));
  std::uint64_t at_us = 0;
  const bool timed = std::from_chars(head.data(), head.data() + head.size(), at_us).ec == std::errc();
  return {{"at_us", timed ? Json(at_us) : Json(nullptr)}, {"text", std::string(text.substr(0, kLongestLine))}};
}

}  // namespace

bool tells_of_a_run(std::string_view message) {
  return std::ranges::any_of(kTelling, [&](std::string_view word) { return message.find(word) != std::string::npos; });
}

KernelLog::KernelLog(int rank, const char* path) : rank_(rank), log_(::open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
  // From here on: what was said before the run is not of it.
  if (!log_ || ::lseek(log_.get(), 0, SEEK_END) < 0) {
    unreadable_ = fmt::format("{}: {}", path, std::strerror(errno));
    log_ = UniqueFd();
  }
}

std::vector<Json> KernelLog::news() {
  Json lines = Json::array();
  std::uint64_t cut = 0, lost = 0;
  std::array<char, 8192> record;
  for (std::size_t i = 0; log_ && i < kMostRead; ++i) {
    const ssize_t bytes = ::read(log_.get(), record.data(), record.size());
    if (bytes < 0 && errno == EPIPE) {  // overwritten before it was read; the next read goes on with what is left
      ++lost;
      continue;
    }
    if (bytes < 0 && (errno == EINTR || errno == EINVAL)) continue;
    if (bytes <= 0) break;
    Json line = line_of({record.data(), static_cast<std::size_t>(bytes)});
    if (line.is_null()) continue;
    if (kept_ < kMostLines) {
      ++kept_;
      lines.push_back(std::move(line));
    } else {
      ++cut;
    }
  }
  if (told_ && lines.empty() && cut == 0 && lost == 0) return {};
  told_ = true;
  return {to_json(KernelLogRecord{.rank = rank_,
                                  .unreadable = unreadable_.empty() ? std::nullopt : std::optional(unreadable_),
                                  .lines = std::move(lines),
                                  .cut = cut,
                                  .overwritten = lost})};
}

}  // namespace symmbench
