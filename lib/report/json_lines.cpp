#include "report/json_lines.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/deadlines.hpp"
#include "core/finishes_within.hpp"

namespace symmbench {
namespace {

[[noreturn]] void io_error(const char* call, int code, const std::string& path) {
  const std::string why = code == ETIMEDOUT ? "its file system does not answer" : std::strerror(code);
  throw Error({.layer = Layer::report,
               .reason = Reason::io_error,
               .call = call,
               .detail = fmt::format("cannot write '{}': {}", path, why),
               .code = code});
}

/// 0, or an errno; then none of `line` stays behind the first `size` bytes.
int append_whole(int file, std::string_view line, off_t size) {
  ssize_t written = 0;
  do {
    written = ::write(file, line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(line.size())) return 0;
  const int code = written < 0 ? errno : ENOSPC;  // a short write to a file means that the space ran out
  (void)!::ftruncate(file, size);
  return code;
}

}  // namespace

JsonLines::JsonLines(const std::string& path) : path_(path) {
  const auto opened = result_within(deadline::kRecord_s, [path] {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return std::pair(file, errno);
  });
  if (!opened || opened->first < 0) io_error("open", opened ? opened->second : ETIMEDOUT, path_);
  file_ = std::make_shared<UniqueFd>(opened->first);
}

void JsonLines::on_case(const DecidedCase& decided) {
  for (const Json& row : decided.rows) append(row.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

void JsonLines::append(std::string_view line) {
  const auto code = result_within(deadline::kRecord_s, [file = file_, line = std::string(line), size = size_] {
    return append_whole(file->get(), line, size);
  });
  if (code != 0) io_error("write", code.value_or(ETIMEDOUT), path_);
  size_ += static_cast<off_t>(line.size());
}

}  // namespace symmbench
