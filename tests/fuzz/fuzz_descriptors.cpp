#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "comm/fd_message.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace symmbench;

namespace {

const std::string kTicket(32, 't');
constexpr int kOwnRank = 1, kRanks = 4;
constexpr std::size_t kMostDescriptors = 5, kWanted = 3;

/// As any process of the host can send it.
void send_datagram(const UniqueFd& socket, std::span<const std::byte> bytes, std::size_t count) {
  std::array<int, kMostDescriptors> descriptors{};
  descriptors.fill(socket.get());
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof descriptors)> control{};
  iovec part{.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (count > 0) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(header), descriptors.data(), count * sizeof(int));
  }
  if (::sendmsg(socket.get(), &message, MSG_NOSIGNAL) < 0) std::abort();
}

/// The number that the next descriptor gets: the same before and after, where none was left open.
int next_descriptor() { return UniqueFd(::dup(0)).get(); }

}  // namespace

/// The addresses that ranks tell each other, and the datagrams with descriptors that anybody on the host can send them.
/// The first byte says how many descriptors come along.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return -1;
  const std::size_t count = data[0] % (kMostDescriptors + 1);
  const auto bytes = fuzz::bytes_of(data, size).subspan(1);
  fuzz::refused_or_read([&] { (void)decode_fd_address(bytes); });
  const int before = next_descriptor();
  {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    const UniqueFd sender(ends[0]), receiver(ends[1]);
    send_datagram(sender, bytes.first(std::min<std::size_t>(bytes.size(), 4096)), count);
    const FdArrival arrival = receive_fds(receiver, kTicket, kOwnRank, kRanks, kWanted);
    const bool peer = arrival.kind == FdArrival::Kind::peer;
    const bool possible = arrival.from >= 0 && arrival.from < kRanks && arrival.from != kOwnRank;
    if (peer ? !possible || arrival.descriptors.size() > count : !arrival.descriptors.empty()) std::abort();
  }
  if (next_descriptor() != before) std::abort();
  return 0;
}
