#pragma once
#include <sys/types.h>

#include <cstddef>
#include <span>

namespace symmbench {

/// What a channel asks of the operating system, with errno: a seam, so that faults can stand in (comm/faulty_socket.hpp).
class SocketCalls {
 public:
  virtual ~SocketCalls() = default;
  /// send(2) and recv(2) that do not wait and raise no signal.
  virtual ssize_t send(int fd, std::span<const std::byte> bytes);
  virtual ssize_t recv(int fd, std::span<std::byte> room);
};

}  // namespace symmbench
