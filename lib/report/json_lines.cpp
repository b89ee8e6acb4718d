#include "report/json_lines.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace symmbench {
namespace {

[[noreturn]] void io_error(const char* call, int code, const std::string& path) {
  throw Error({.layer = Layer::report,
               .reason = Reason::io_error,
               .call = call,
               .detail = fmt::format("cannot write '{}': {}", path, std::strerror(code)),
               .code = code});
}

}  // namespace

JsonLines::JsonLines(const std::string& path)
    : path_(path), file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
  if (!file_) io_error("open", errno, path_);
}

void JsonLines::on_case(const DecidedCase& decided) {
  for (const Json& row : decided.rows) append(row.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

void JsonLines::append(std::string_view line) {
  ssize_t written = 0;
  do {
    written = ::write(file_.get(), line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(line.size())) {
    size_ += written;
    return;
  }
  const int code = written < 0 ? errno : ENOSPC;  // a short write to a file means that the space ran out
  (void)!::ftruncate(file_.get(), size_);
  io_error("write", code, path_);
}

}  // namespace symmbench
