#include "core/unique_fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.hpp"

namespace symmbench {

void UniqueFd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

UniqueFd UniqueFd::duplicate() const {
  const int fd = ::fcntl(fd_, F_DUPFD_CLOEXEC, 3);
  if (fd < 0) {
    throw Error({.layer = Layer::environment,
                 .reason = Reason::io_error,
                 .call = "fcntl(F_DUPFD_CLOEXEC)",
                 .detail = std::strerror(errno),
                 .code = errno});
  }
  return UniqueFd(fd);
}

}  // namespace symmbench
