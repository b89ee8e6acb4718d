#include "comm/fd_message.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "comm/wire.hpp"

namespace symmbench {
namespace {

constexpr std::uint64_t kMagic = 0x73796d6d66643031;  // "symmfd01"
constexpr std::size_t kTicketChars = 32;

/// The one message on a connection; the descriptor travels with it.
struct Introduction {
  std::uint64_t magic = kMagic;
  std::array<char, kTicketChars> ticket{};
  std::int32_t from_rank = -1;  ///< group ranks
  std::int32_t to_rank = -1;
};

/// A message with descriptors, in the form that sendmsg and recvmsg want.
class FdMessage {
 public:
  FdMessage(Introduction& introduction, std::size_t descriptors)
      : bytes_{&introduction, sizeof introduction}, control_(CMSG_SPACE(descriptors * sizeof(int))) {
    header_.msg_iov = &bytes_;
    header_.msg_iovlen = 1;
    header_.msg_control = control_.data();
    header_.msg_controllen = control_.size();
  }

  void attach(std::span<const int> fds) {
    cmsghdr* control = CMSG_FIRSTHDR(&header_);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(control), fds.data(), fds.size_bytes());
  }

  /// Everything that came, so that what nobody wants is closed too: the buffer's padding may have room for one more.
  std::vector<UniqueFd> take_descriptors() {
    std::vector<UniqueFd> descriptors;
    for (cmsghdr* control = CMSG_FIRSTHDR(&header_); control; control = CMSG_NXTHDR(&header_, control)) {
      if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
      const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(control) + i * sizeof fd, sizeof fd);
        descriptors.emplace_back(fd);
      }
    }
    return descriptors;
  }

  msghdr* get() { return &header_; }
  bool truncated() const { return (header_.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0; }

 private:
  msghdr header_{};
  iovec bytes_;
  std::vector<std::byte> control_;  ///< as aligned as what operator new gives
};

}  // namespace

Blob encode(const FdAddress& address) {
  WireWriter writer;
  writer.text(address.name);
  writer.text(address.ticket);
  writer.text(address.host.boot_id);
  writer.text(address.host.network_namespace);
  return writer.take();
}

FdAddress decode_fd_address(std::span<const std::byte> message) {
  WireReader reader(message, "socket address");
  FdAddress address;
  address.name = reader.text();
  address.ticket = reader.text();
  if (address.ticket.size() != kTicketChars) reader.malformed("a ticket of another length");
  address.host.boot_id = reader.text();
  address.host.network_namespace = reader.text();
  reader.expect_end();
  return address;
}

bool send_fds(const UniqueFd& socket, const FdAddress& address, int from, int to, std::span<const int> fds) {
  Introduction introduction{.from_rank = from, .to_rank = to};
  std::copy_n(address.ticket.begin(), kTicketChars, introduction.ticket.begin());
  FdMessage message(introduction, fds.size());
  message.attach(fds);
  return ::sendmsg(socket.get(), message.get(), MSG_NOSIGNAL) == sizeof introduction;
}

FdArrival receive_fds(const UniqueFd& connection, const std::string& ticket, int own_rank, int ranks,
                      std::size_t descriptors_wanted) {
  using Kind = FdArrival::Kind;
  Introduction introduction{.magic = 0};
  FdMessage message(introduction, descriptors_wanted);
  const ssize_t length = ::recvmsg(connection.get(), message.get(), MSG_CMSG_CLOEXEC);
  FdArrival arrival;
  if (length < 0) {
    arrival.kind = errno == EAGAIN || errno == EINTR ? Kind::not_yet : Kind::closed;
    return arrival;
  }
  auto descriptors = message.take_descriptors();  // an empty message may bring some too
  if (length == 0) {
    arrival.kind = Kind::closed;
    return arrival;
  }
  arrival.from = introduction.from_rank;
  arrival.truncated = message.truncated();
  const bool known = length == sizeof introduction && introduction.magic == kMagic &&
                     std::ranges::equal(ticket, introduction.ticket) && introduction.to_rank == own_rank &&
                     arrival.from >= 0 && arrival.from < ranks && arrival.from != own_rank;
  arrival.kind = known ? Kind::peer : Kind::stranger;
  if (known) arrival.descriptors = std::move(descriptors);
  return arrival;
}

}  // namespace symmbench
