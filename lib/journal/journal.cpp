#include "journal/journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

namespace symmbench {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFilePrefix = "rank-";
constexpr std::string_view kFileSuffix = ".jsonl";

[[noreturn]] void io_error(std::string_view call, int code, std::string detail) {
  throw Error({.layer = Layer::report,
               .reason = Reason::io_error,
               .call = std::string(call),
               .detail = std::move(detail),
               .code = code});
}

/// The first path of `dir` and its parents that does not exist yet, or an empty one.
fs::path first_missing(const fs::path& dir) {
  fs::path so_far;
  for (const auto& part : dir) {
    so_far /= part;
    std::error_code ignored;
    if (!part.empty() && !fs::exists(so_far, ignored)) return so_far;
  }
  return {};
}

std::optional<int> rank_of(const std::string& file_name) {
  if (!file_name.starts_with(kFilePrefix) || !file_name.ends_with(kFileSuffix)) return std::nullopt;
  if (file_name.size() <= kFilePrefix.size() + kFileSuffix.size()) return std::nullopt;
  const auto digits = std::string_view(file_name).substr(kFilePrefix.size(),
                                                         file_name.size() - kFilePrefix.size() - kFileSuffix.size());
  int rank = 0;
  const auto* end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, rank);
  return parsed.ec == std::errc{} && parsed.ptr == end ? std::optional(rank) : std::nullopt;
}

}  // namespace

JournalWriter::JournalWriter(std::string dir, int rank)
    : dir_(std::move(dir)), path_(fmt::format("{}/{}{}{}", dir_, kFilePrefix, rank, kFileSuffix)) {
  topmost_created_ = first_missing(dir_).string();
  std::error_code error;
  fs::create_directories(dir_, error);
  if (error)
    io_error("mkdir", error.value(), fmt::format("cannot make journal directory '{}': {}", dir_, error.message()));

  file_ = UniqueFd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644));
  if (file_) return;
  const int code = errno;
  if (code == EEXIST) {
    io_error("open", code,
             fmt::format("'{}' is the journal of an earlier run that was cut off: read it with 'symmbench salvage {}', "
                         "then remove it",
                         path_, dir_));
  }
  io_error("open", code, fmt::format("cannot write journal '{}': {}", path_, std::strerror(code)));
}

void JournalWriter::append(const Json& record) {
  // After a torn line the newline comes first: the torn one then is one bad line of its own.
  const std::string line = fmt::format("{}{}", torn_ ? "\n" : "", encode_line(record));
  ssize_t written = 0;
  do {
    written = ::write(file_.get(), line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(line.size())) {
    torn_ = false;
    return;
  }
  const int code = written < 0 ? errno : ENOSPC;  // a short write to a file means that the space ran out
  if (written > 0) torn_ = true;
  io_error("write", code, fmt::format("journal '{}': {}", path_, std::strerror(code)));
}

void JournalWriter::remove() noexcept {
  file_.reset();
  ::unlink(path_.c_str());
  if (topmost_created_.empty()) return;
  // Other ranks' files, or a user's, keep the directory: rmdir refuses one that is not empty.
  fs::path dir = dir_;
  while (::rmdir(dir.c_str()) == 0 && dir != fs::path(topmost_created_)) dir = dir.parent_path();
}

JournalText read_journal(const std::string& dir) {
  std::error_code error;
  std::map<int, fs::path> files;
  for (fs::directory_iterator it(dir, error), end; !error && it != end; it.increment(error)) {
    if (const auto rank = rank_of(it->path().filename().string())) files[*rank] = it->path();
  }
  if (error)
    io_error("opendir", error.value(), fmt::format("cannot read journal directory '{}': {}", dir, error.message()));
  if (files.empty()) io_error("opendir", ENOENT, fmt::format("'{}' holds no journal (rank-<r>.jsonl)", dir));

  JournalText whole;
  for (const auto& [rank, path] : files) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    if (file) text << file.rdbuf();
    if (!file) {
      whole.problems.push_back(fmt::format("{}: cannot be read, left out", path.filename().string()));
      continue;
    }
    JournalText part = decode_text(text.str(), path.filename().string());
    std::move(part.records.begin(), part.records.end(), std::back_inserter(whole.records));
    std::move(part.problems.begin(), part.problems.end(), std::back_inserter(whole.problems));
    whole.truncated = whole.truncated || part.truncated;
  }
  return whole;
}

}  // namespace symmbench
