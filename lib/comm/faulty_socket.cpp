#include "comm/faulty_socket.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace symmbench {

/// Counts a call; the fault that strikes it, or nullptr.
const ChannelFault* FaultySocket::next(ChannelCall call) {
  const std::uint64_t number = ++calls_[static_cast<std::size_t>(call)];
  const auto at = std::find_if(faults_.begin(), faults_.end(), [&](const ChannelFault& fault) {
    return fault.call == call && number >= fault.nth && number - fault.nth < fault.times;
  });
  return at == faults_.end() ? nullptr : &*at;
}

ssize_t FaultySocket::send(int fd, std::span<const std::byte> bytes) {
  const ChannelFault* fault = next(ChannelCall::send);
  if (fault == nullptr) return SocketCalls::send(fd, bytes);
  if (fault->code == ChannelFault::kShort)
    return SocketCalls::send(fd, bytes.first(std::min<std::size_t>(bytes.size(), 1)));
  errno = fault->code;
  return -1;
}

ssize_t FaultySocket::recv(int fd, std::span<std::byte> room) {
  std::byte seen{};
  if (::recv(fd, &seen, 1, MSG_DONTWAIT | MSG_PEEK) <= 0) return SocketCalls::recv(fd, room);
  const ChannelFault* fault = next(ChannelCall::recv);
  if (fault == nullptr) return SocketCalls::recv(fd, room);
  if (fault->code == ChannelFault::kShort) return SocketCalls::recv(fd, room.first(1));
  errno = fault->code;
  return -1;
}

}  // namespace symmbench
