#include "report/write.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include "core/deadlines.hpp"
#include "core/finishes_within.hpp"
#include "core/unique_fd.hpp"
#include "journal/codec.hpp"

namespace symmbench {
namespace {

[[noreturn]] void io_error(Layer layer, std::string_view call, int code, const std::string& path,
                           const std::string& problem) {
  throw Error({.layer = layer,
               .reason = Reason::io_error,
               .call = std::string(call),
               .detail = fmt::format("cannot write '{}': {}", path, problem),
               .code = code});
}

std::string no_answer(double seconds) { return fmt::format("its file system did not answer for {:.3g} s", seconds); }

std::string directory_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

void write_whole(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) io_error(Layer::report, "write", errno, path, std::strerror(errno));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string name_beside(const std::string& path, int number) {
  return fmt::format("{}.tmp-{}-{}", path, ::getpid(), number);
}

/// A new file beside `path`, with the permissions that the umask gives, and its name.
UniqueFd create_beside(const std::string& path, std::string& name) {
  for (int i = 0;; ++i) {
    name = name_beside(path, i);
    UniqueFd file(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (file || errno != EEXIST) return file;
  }
}

/// Gives a file without a name one beside `path`; "" with errno where that cannot be.
std::string link_beside(const std::string& path, int file) {
  const std::string nameless = fmt::format("/proc/self/fd/{}", file);
  for (int i = 0;; ++i) {
    std::string name = name_beside(path, i);
    if (::linkat(AT_FDCWD, nameless.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) return name;
    if (errno != EEXIST) return "";
  }
}

/// A file beside `path` that removes itself unless it was renamed; without a name until it is whole where the file system
/// can do that, so that a process that is killed leaves nothing.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& path)
      : path_(path), file_(::open(directory_of(path).c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666)) {
    if (!file_) create();
  }
  ~TemporaryFile() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  /// `given_up`: whoever asked for it waits no more, and has told so.
  void commit(std::string_view text, const std::atomic<bool>& given_up) {
    write_whole(file_.get(), text, path_);
    if (::fsync(file_.get()) != 0) io_error(Layer::report, "fsync", errno, path_, std::strerror(errno));
    if (given_up) return;
    if (temporary_.empty()) temporary_ = link_beside(path_, file_.get());
    if (temporary_.empty()) return commit_named(text, given_up);  // /proc is not there
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
      io_error(Layer::report, "rename", errno, path_, std::strerror(errno));
    }
    temporary_.clear();
  }

 private:
  void create() {
    file_ = create_beside(path_, temporary_);
    if (!file_) io_error(Layer::report, "open", errno, path_, std::strerror(errno));
  }
  void commit_named(std::string_view text, const std::atomic<bool>& given_up) {
    create();
    commit(text, given_up);
  }

  std::string path_, temporary_;
  UniqueFd file_;
};

/// The directory entry is durable only when the directory is; a file system that cannot do so has said all it can.
void sync_directory(const std::string& directory) {
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd) (void)::fsync(fd.get());
}

void make_dir(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error && std::filesystem::is_directory(path)) return;
  throw Error(
      {.layer = Layer::config,
       .reason = Reason::io_error,
       .detail = fmt::format("--output-dir '{}': cannot be made: {}", path, error ? error.message() : "it is a file"),
       .code = error.value()});
}

void require_writable(const std::string& path) {
  const auto refuse = [&](int code, const std::string& problem) { io_error(Layer::config, "", code, path, problem); };
  if (path.empty()) refuse(ENOENT, "the path is empty");
  struct stat info {};
  const std::string directory = directory_of(path);
  if (::stat(directory.c_str(), &info) != 0) {
    refuse(errno, fmt::format("directory '{}': {}", directory, std::strerror(errno)));
  }
  if (!S_ISDIR(info.st_mode)) refuse(ENOTDIR, fmt::format("'{}' is not a directory", directory));
  if (::stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) refuse(EISDIR, "it is a directory");
    if (!S_ISREG(info.st_mode)) refuse(EEXIST, "it exists and is not a regular file");
  }
  // Permission bits are not the whole truth (root, read-only mounts, quotas): the same file is made as later for real.
  std::string trial;
  const UniqueFd file = create_beside(path, trial);
  if (!file) refuse(errno, fmt::format("directory '{}' is not writable: {}", directory, std::strerror(errno)));
  ::unlink(trial.c_str());
}

}  // namespace

void make_output_dir(const std::string& path) {
  if (finishes_within(deadline::kFileSystem_s, [path] { make_dir(path); })) return;
  throw Error({.layer = Layer::config,
               .reason = Reason::io_error,
               .detail = fmt::format("--output-dir '{}': {}", path, no_answer(deadline::kFileSystem_s)),
               .code = ETIMEDOUT});
}

void check_writable(const std::string& path) {
  if (finishes_within(deadline::kFileSystem_s, [path] { require_writable(path); })) return;
  io_error(Layer::config, "", ETIMEDOUT, path, no_answer(deadline::kFileSystem_s));
}

void write_file(const std::string& path, std::string text) {
  const double within_s = deadline::writing_s(static_cast<double>(text.size()));
  const auto given_up = std::make_shared<std::atomic<bool>>(false);
  const bool written = finishes_within(within_s, [path, given_up, text = std::move(text)] {
    TemporaryFile(path).commit(text, *given_up);
    sync_directory(directory_of(path));
  });
  if (written) return;
  *given_up = true;
  io_error(Layer::report, "write", ETIMEDOUT, path, no_answer(within_s));
}

void write_report(const std::string& path, const Json& report) {
  require_finite(report, "report");
  write_file(path, report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace symmbench
