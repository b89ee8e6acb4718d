#include "journal/journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

#include "core/deadlines.hpp"
#include "core/finishes_within.hpp"
#include "core/unique_fd.hpp"

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

/// The journals of `dir` by rank; none where there is no such directory.
/// @throws Error{report, io_error}
std::map<int, fs::path> journals_in(const std::string& dir) {
  std::error_code error;
  std::map<int, fs::path> files;
  for (fs::directory_iterator it(dir, error), end; !error && it != end; it.increment(error)) {
    if (const auto rank = rank_of(it->path().filename().string())) files[*rank] = it->path();
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    io_error("opendir", error.value(), fmt::format("cannot read journal directory '{}': {}", dir, error.message()));
  }
  return files;
}

/// File systems without locks (flock fails otherwise than with EWOULDBLOCK) protect nobody.
bool locked_by_another(int fd) { return ::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK; }

bool is_file_at(int fd, const std::string& path) {
  struct stat held {
  }, found{};
  return ::fstat(fd, &held) == 0 && ::stat(path.c_str(), &found) == 0 && held.st_dev == found.st_dev &&
         held.st_ino == found.st_ino;
}

}  // namespace

bool journal_is_live(const std::string& dir) {
  for (const auto& [rank, path] : journals_in(dir)) {
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file && locked_by_another(file.get())) return true;
  }
  return false;
}

std::string find_journal(const std::string& dir) {
  const auto refuse = [&](const std::string& why) {
    throw Error(
        {.layer = Layer::config, .reason = Reason::invalid_argument, .detail = fmt::format("'{}' {}", dir, why)});
  };
  std::error_code error;
  if (!fs::is_directory(dir, error))
    refuse(error ? fmt::format("cannot be read: {}", error.message()) : "is no folder");
  if (!journals_in(dir).empty()) return dir;
  std::vector<std::string> found;
  for (fs::directory_iterator it(dir, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->path().extension() != ".journal" || !it->is_directory(ignored)) continue;
    if (!journals_in(it->path().string()).empty()) found.push_back(it->path().string());
  }
  if (found.empty()) refuse("holds no journal (rank-<r>.jsonl)");
  std::sort(found.begin(), found.end());
  if (found.size() > 1) refuse(fmt::format("holds several journals, name one: {}", fmt::join(found, ", ")));
  return found.front();
}

std::vector<int> journal_ranks(const std::string& dir) {
  std::vector<int> ranks;
  for (const auto& [rank, path] : journals_in(dir)) ranks.push_back(rank);
  return ranks;
}

namespace {

std::optional<std::string> put_aside(const std::string& dir) {
  const auto files = journals_in(dir);
  if (files.empty()) return std::nullopt;
  if (journal_is_live(dir)) {
    throw Error({.layer = Layer::report,
                 .reason = Reason::illegal_state,
                 .detail = fmt::format("another run is writing its journal to '{}': give each run its own", dir)});
  }
  std::string aside;
  for (int i = 1; aside.empty() || fs::exists(aside); ++i) aside = fmt::format("{}/old-{}", dir, i);
  std::error_code error;
  fs::create_directory(aside, error);
  for (const auto& [rank, path] : files) {
    if (!error) fs::rename(path, fs::path(aside) / path.filename(), error);
  }
  if (error)
    io_error("rename", error.value(), fmt::format("cannot move old journals to '{}': {}", aside, error.message()));
  return aside;
}

constexpr std::string_view kNoAnswer = "its file system does not answer";

}  // namespace

std::optional<std::string> put_aside_journal(const std::string& dir) {
  const auto kept = result_within(deadline::kFileSystem_s, [dir] { return put_aside(dir); });
  if (!kept) io_error("opendir", ETIMEDOUT, fmt::format("journal directory '{}': {}", dir, kNoAnswer));
  return *kept;
}

struct JournalWriter::File {
  std::string dir, path;
  std::string topmost_created;  ///< first of the directories that open() made; empty: none
  UniqueFd fd;
  bool torn = false;                ///< it ends in the middle of a line
  std::atomic<bool> asked = false;  ///< a call is under way

  void open();
  void append(std::string line);
  void remove();

  /// `call(*file)`, for so long. @throws what it throws; Error{report, io_error} with ETIMEDOUT
  template <class Call>
  static void ask(const std::shared_ptr<File>& file, std::string_view name, double seconds, Call call) {
    const auto answered_at_end = [](File* asked) { asked->asked = false; };
    const bool ended = !file->asked.exchange(true) && finishes_within(seconds, [=] {
      const std::unique_ptr<File, decltype(answered_at_end)> answered(file.get(), answered_at_end);
      call(*file);
    });
    if (!ended) io_error(name, ETIMEDOUT, fmt::format("journal '{}': {}", file->path, kNoAnswer));
  }
};

void JournalWriter::File::open() {
  topmost_created = first_missing(dir).string();
  std::error_code error;
  fs::create_directories(dir, error);
  if (error)
    io_error("mkdir", error.value(), fmt::format("cannot make journal directory '{}': {}", dir, error.message()));

  fd = UniqueFd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644));
  if (fd && !locked_by_another(fd.get())) return;
  const int code = fd ? EEXIST : errno;
  if (code == EEXIST) {
    io_error("open", code,
             fmt::format("'{}' exists: it is another run's journal, or what is left of one that was killed; never "
                         "overwritten",
                         path));
  }
  io_error("open", code, fmt::format("cannot write journal '{}': {}", path, std::strerror(code)));
}

void JournalWriter::File::append(std::string line) {
  // After a torn line the newline comes first: the torn one then is one bad line of its own.
  if (torn) line.insert(line.begin(), '\n');
  ssize_t written = 0;
  do {
    written = ::write(fd.get(), line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(line.size())) {
    torn = false;
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0 || info.st_nlink > 0) return;
    io_error("write", ENOENT, fmt::format("journal '{}': somebody removed it", path));
  }
  const int code = written < 0 ? errno : ENOSPC;  // a short write to a file means that the space ran out
  if (written > 0) torn = true;
  io_error("write", code, fmt::format("journal '{}': {}", path, std::strerror(code)));
}

void JournalWriter::File::remove() {
  if (is_file_at(fd.get(), path)) ::unlink(path.c_str());
  fd.reset();
  if (topmost_created.empty()) return;
  // Other ranks' files, or a user's, keep the directory: rmdir refuses one that is not empty.
  fs::path made = dir;
  while (::rmdir(made.c_str()) == 0 && made != fs::path(topmost_created)) made = made.parent_path();
}

JournalWriter::JournalWriter(std::string dir, int rank) : file_(std::make_shared<File>()) {
  file_->path = fmt::format("{}/{}{}{}", dir, kFilePrefix, rank, kFileSuffix);
  file_->dir = std::move(dir);
  File::ask(file_, "open", deadline::kFileSystem_s, [](File& file) { file.open(); });
}

const std::string& JournalWriter::path() const { return file_->path; }

void JournalWriter::append(const Json& record) {
  File::ask(file_, "write", deadline::kRecord_s, [line = encode_line(record)](File& file) { file.append(line); });
}

void JournalWriter::remove() noexcept try {
  File::ask(file_, "unlink", deadline::kRecord_s, [](File& file) { file.remove(); });
} catch (const std::exception&) {  // it stays where it is
}

JournalText read_journal(const std::string& dir) {
  const auto files = journals_in(dir);
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
