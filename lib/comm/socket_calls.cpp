#include "comm/socket_calls.hpp"

#include <sys/socket.h>

namespace symmbench {

ssize_t SocketCalls::send(int fd, std::span<const std::byte> bytes) {
  return ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

ssize_t SocketCalls::recv(int fd, std::span<std::byte> room) {
  return ::recv(fd, room.data(), room.size(), MSG_DONTWAIT);
}

}  // namespace symmbench
