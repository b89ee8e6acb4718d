#include "comm/os_error.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>

namespace symmbench {
namespace {

std::string descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return "RLIMIT_NOFILE";
  return fmt::format("RLIMIT_NOFILE is {} (hard limit {})", limit.rlim_cur, limit.rlim_max);
}

}  // namespace

Failure os_failure(std::string_view call, int code, std::string_view detail) {
  std::string text = std::strerror(code);
  if (!detail.empty()) text = fmt::format("{}: {}", detail, text);
  if (code == EMFILE || code == ENFILE) {
    return {.layer = Layer::environment,
            .reason = Reason::capacity_exceeded,
            .call = std::string(call),
            .detail = fmt::format("{}: {}", text, code == EMFILE ? descriptor_limit() : "the system-wide file table"),
            .code = code};
  }
  return {.layer = Layer::comm, .reason = Reason::io_error, .call = std::string(call), .detail = text, .code = code};
}

}  // namespace symmbench
